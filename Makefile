# Two commands for a newcomer: `make demo` runs the main job, `make test` passes the whole test suite.
# The first Python of 3.11 or newer that can make an environment. For another:
# make test PYTHON=python3.13 VENV=.venv-3.13
FIT := import sys, ensurepip; sys.exit(sys.version_info < (3, 11))
FOUND := $(shell for python in python3.11 python3.12 python3.13 python3 python; do \
	$$python -c '$(FIT)' >/dev/null 2>&1 && echo $$python && break; done)
PYTHON ?= $(FOUND)
VENV := .venv
BIN := $(VENV)/bin

.DEFAULT_GOAL := help
.PHONY: help install demo test check format clean

help: ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

$(VENV)/installed: pyproject.toml constraints.txt
	@test -n "$(PYTHON)" || { echo "ArchLock needs Python 3.11 or newer with its venv module, and none of python3.11,\
 python3.12, python3.13, python3 and python is; install one (Debian: apt install python3 python3-venv), or name it:\
 make $(or $(MAKECMDGOALS),install) PYTHON=/path/to/python" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

install: $(VENV)/installed ## make .venv and install everything from pinned constraints

demo: install ## search, train, attack and report a lock on drawn letters (three to four minutes)
	$(BIN)/archlock demo --out runs/demo

test: install ## the whole test suite
	$(BIN)/python -m pytest --numprocesses auto

check: install ## exactly what CI runs: format, lint, types, floors, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(MAKE) test

format: install ## bring the code into the house format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

clean: ## remove the environment and all runs
	rm -rf $(VENV) runs
