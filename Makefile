# Strategy Ledger: every routine job of the house. `make help` lists them.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

VENV := .venv
BIN := $(VENV)/bin
LIBRARIES := $(VENV)/.libraries-installed
STAMP := $(VENV)/.installed
PACKAGES := aggregates ledger projections replay api
PYTEST_ARGS ?=
TEST_PROCESSES ?= 2
SERVE ?= yes
unexport PYTHONDONTWRITEBYTECODE # many processes are started, and each would compile everything anew

# What `make lock` leaves out of the lock file: addresses of indexes and of local folders.
LOCK_FLAGS := --universal --python-version 3.11 --generate-hashes --group dev \
	--no-emit-index-url --no-emit-find-links --no-header --quiet

.PHONY: help setup demo test test-all bench load check fmt lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: $(STAMP) ## install the locked dependencies and this project into .venv
	@:

$(LIBRARIES): requirements.lock
	@python=""; \
	for name in $${PYTHON:-} python3.11 python3 python3.12 python3.13 python3.14 python; do \
	    if "$$name" -c 'import ensurepip, sys, venv; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	        python=$$name; break; \
	    fi; \
	done; \
	if [ -z "$$python" ]; then \
	    echo "Strategy Ledger needs Python 3.11 or later with its venv module; none was found." >&2; exit 1; \
	fi; \
	if ! $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1; then \
	    "$$python" -m venv --clear $(VENV); \
	fi
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(STAMP): $(LIBRARIES) pyproject.toml
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@
	@echo "Ready: $$($(BIN)/python --version) in $(VENV)."

demo: setup ## a ledger with a year of strategy in it; SERVE=no ends after printing, PORT=8001 serves there
ifeq ($(SERVE),no)
	@$(BIN)/strategy-ledger demo --no-serve
else
	@$(BIN)/strategy-ledger demo $(if $(PORT),--port $(PORT))
endif

check: setup ## lint, format, types and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-cache

test: check ## check, then every test that is not slow, in two processes with a server each
	@$(BIN)/python -m pytest -m "not slow" --numprocesses=$(TEST_PROCESSES) --dist=loadfile $(PYTEST_ARGS)

test-all: check ## check, then every test, one after the other
	@$(BIN)/python -m pytest $(PYTEST_ARGS)

bench: setup ## the measurements of the house (bench/), printed as a table
	@$(BIN)/python -m bench

load: setup ## five minutes of 200 reads and 20 writes a second; writes docs/load.md
	@$(BIN)/python -m bench.load --write

fmt: setup ## put the source into its one form
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: ## resolve the dependencies again into requirements.lock (needs a package registry)
	@rm -rf build/lock && $${PYTHON:-python3} -m venv build/lock
	@build/lock/bin/python -m pip install --quiet --disable-pip-version-check uv
	@build/lock/bin/uv pip compile $(LOCK_FLAGS) --output-file build/requirements.lock pyproject.toml
	@{ echo "# Every package that runs or checks Strategy Ledger, with its hashes and without addresses."; \
	   echo "# Made by \`make lock\` (uv's universal resolution for Python 3.11 and later); do not edit by hand."; \
	   cat build/requirements.lock; } > requirements.lock
	@if grep -nE '://|index-[u]rl|find-[l]inks' requirements.lock; then \
	    echo "requirements.lock holds an address." >&2; exit 1; fi
	@rm -rf build/lock build/requirements.lock

clean: ## remove what the other targets made
	@rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache *.egg-info
	@find $(PACKAGES) bench tests -name __pycache__ -type d -prune -exec rm -rf {} + 2>/dev/null || true
