# One command for each thing people do here. `make` lists them.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= $(shell command -v python3.11 || command -v python3.12 || command -v python3.13 || command -v python3)
VENV ?= .venv
BIN := $(VENV)/bin
# The warning that is silenced is setuptools' advice on editable installs, for whoever packages.
INSTALL = PYTHONWARNINGS=ignore $(BIN)/pip install --quiet --constraint constraints.txt --editable
SAMPLES ?= local/samples
ARGS ?=

.PHONY: help serve test check lint types contracts tests test-long smoke bench peers lock proto clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /  make \1\t/' | expand -t 18

serve: $(VENV)/.installed-serve $(SAMPLES)/.written ## install, make the sample models, serve them (options: ARGS='--port 0 …')
	exec $(BIN)/seldon-core serve --models $(SAMPLES)/models $(ARGS)

test: $(VENV)/.installed-dev ## install with everything for development, then the whole check: what CI runs
	scripts/tools curl go
	perf/peers h2spec perf_analyzer mlserver
	$(MAKE) --no-print-directory check smoke

check: lint types contracts tests ## format, lint, types, import contracts, tests with coverage

lint: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

contracts: $(VENV)/.installed-dev
	$(BIN)/lint-imports --no-logo

# Tests of whole processes mostly wait for them, so the others run meanwhile.
tests: $(VENV)/.installed-dev
	@mkdir -p build
	@echo 'pytest tests/system runs beside the rest; what it prints follows at the end'
	@$(BIN)/pytest tests/system > build/tests-system.log 2>&1 & system=$$!; \
	trap "kill $$system 2> /dev/null || true" EXIT; failed=0; \
	$(BIN)/pytest --ignore=tests/system --cov --cov-report=term || failed=1; \
	wait $$system || failed=1; cat build/tests-system.log; exit $$failed

test-long: $(VENV)/.installed-dev ## the tests that take minutes: hundreds of rounds of kill -9, forty attackers, half an hour of fuzzing; adds a record to tests/LONG.md
	$(BIN)/python -m tests.support.long_run $(ARGS)

smoke: $(VENV)/.installed-dev ## run every micro benchmark for a moment
	$(BIN)/python -m perf.micro.run_all

bench: $(VENV)/.installed-dev peers ## measure against the peers and the ceilings; writes perf/REPORT.md
	$(BIN)/python -m perf.bench $(ARGS)

peers: ## install the systems we are measured against, outside the tree
	perf/peers

proto: $(VENV)/.installed-dev ## generate the protobuf modules again
	PATH="$(abspath $(BIN)):$$PATH" proto/generate

lock: ## write constraints.txt anew from the lower bounds in pyproject.toml
	rm -rf build/lock && $(PYTHON) -m venv build/lock
	build/lock/bin/pip install --quiet --upgrade pip
	build/lock/bin/pip install --quiet '.[dev]'
	{ echo '# Exact versions for `make serve`, `make test` and CI; written by `make lock`.'; build/lock/bin/pip freeze --exclude seldon-core; } > constraints.txt

clean: ## remove what the other commands made
	rm -rf $(VENV) build *.egg-info local .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage .import_linter_cache .cache/fuzz

$(VENV)/bin/python:
	@echo 'making a virtual environment in $(VENV) with $(PYTHON)'
	@scripts/venv '$(PYTHON)' '$(VENV)'

$(VENV)/.installed-serve: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo 'installing seldon-core (a minute or two the first time)'
	@$(INSTALL) '.[quickstart]'
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	@echo 'installing seldon-core with its development tools (a minute or two the first time)'
	@$(INSTALL) '.[dev]'
	@touch $@ $(VENV)/.installed-serve

$(SAMPLES)/.written: seldon_core/samples.py $(VENV)/.installed-serve
	@echo 'writing sample models to $(SAMPLES)'
	@$(BIN)/seldon-core samples $(SAMPLES) > /dev/null
	@touch $@
