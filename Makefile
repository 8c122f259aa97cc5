# Every target does its own set-up in .venv; doing it twice is fine.
#   make demo                              the main job on examples/
#   make demo DATA=file RECIPE=fifa BUDGET=10%   … on any file
#   make test                              checks and all tests
# TORCH=cpu|cuda picks the extra, PYTHON the interpreter; pip's own settings are honoured
# (PIP_EXTRA_INDEX_URL for a CPU-only torch, for instance).
PYTHON ?= python3
TORCH ?= cpu
DATA ?= examples/pairs.jsonl
RECIPE ?= fifa
BUDGET ?= 10%
SEED ?= 0
OUT ?= demo-out

SHELL := /bin/bash
BIN := .venv/bin
EXTRA := $(if $(filter cuda gpu,$(TORCH)),gpu,cpu)
READY := .venv/.ready-$(EXTRA)
DEMO_HOME := $(or $(PREFSIFT_HOME),$(CURDIR)/.prefsift)
.PHONY: setup demo test check audit up down bench docs clean
.DEFAULT_GOAL := demo

setup: $(READY)
	$(BIN)/prefsift up

down: $(READY)
	$(BIN)/prefsift down

bench: $(READY)
	@for file in benchmarks/[a-z]*.py; do \
		echo "== $$file"; $(BIN)/python -m "benchmarks.$$(basename $$file .py)" || exit 1; \
	done

docs: $(READY)
	$(BIN)/python docs/reference.py site

# Keeps .venv and what you exported.
clean:
	test ! -d .prefsift || PREFSIFT_HOME='$(CURDIR)/.prefsift' $(BIN)/prefsift down --purge --yes
	rm -rf build dist site .pytest_cache .ruff_cache .hypothesis .import_linter_cache .coverage
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
