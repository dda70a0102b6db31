# Everything a clone needs: Python 3.11 or newer with its venv module, and make. `make help` lists the targets.

SHELL := /bin/sh
MAKEFLAGS += --no-builtin-rules
VENV ?= .venv
PY := $(VENV)/bin/python
ARGS ?=
# Processes that share the tests, one more than there are cores, for each of them often waits; JOBS=0 runs them in one, in order.
JOBS ?= $(shell expr $$(getconf _NPROCESSORS_ONLN) + 1)

# What the caller's shell has set for another project must not reach into this one.
unexport PYTHONPATH PYTHONHOME PYTHONSTARTUP PYTHONSAFEPATH VIRTUAL_ENV

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow chaos cover lint format types bench docs lock hooks clean ready-run ready-dev

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
	@echo 'ARGS="…" is passed on by demo, test, chaos, bench and lock.'

ready-run:
	@VENV="$(VENV)" scripts/set-up run

ready-dev:
	@VENV="$(VENV)" scripts/set-up dev

demo: ready-run ## Watch failed payments being recovered, the whole stack on this machine (ARGS="--headless --json out.json")
	@exec $(VENV)/bin/recoup demo $(ARGS)

test: lint types ## Check format, lint, types, and run the tests (ARGS="tests/rules -x")
	$(PY) -m pytest -m 'not slow' -n $(JOBS) --maxprocesses 4 --dist worksteal $(ARGS)

test-slow: ready-dev ## Run the tests that take minutes
	$(PY) -m pytest -m slow $(ARGS)

chaos: ready-run ## Recover a thousand payments while everything goes wrong, and compare all books (ARGS="--runs 10000 --processes 300")
	@exec $(VENV)/bin/recoup chaos --runs 1000 --json chaos.json $(ARGS)

cover: ready-dev ## Run the tests and show which lines none of them reaches
	$(PY) -m coverage run -m pytest -m 'not slow' $(ARGS)
	$(PY) -m coverage report

lint: ready-dev ## Check format and lint
	$(PY) -m ruff format --check .
	$(PY) -m ruff check .

format: ready-dev ## Format the code and mend what the linter can mend
	$(PY) -m ruff format .
	$(PY) -m ruff check --fix .

types: ready-dev ## Check types
	$(PY) -m mypy

bench: ready-run ## Measure: prints figures, changes nothing
	$(PY) -m bench $(ARGS)

docs: ready-dev ## Check that the documentation names what the code has
	$(PY) -m pytest -q tests/house/test_docs.py $(ARGS)

lock: ready-dev ## Write the lock files anew (ARGS=--upgrade takes the newest of everything)
	scripts/lock.sh $(ARGS)

hooks: ## Let git check format and lint before each commit
	git config core.hooksPath .githooks

clean: ## Remove the environment, caches and build products
	rm -rf $(VENV) .mypy_cache .pytest_cache .ruff_cache .hypothesis .coverage build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
