# The commands of users and developers. Each target sets up what it needs; a second call reuses it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
BIN := .venv/bin
export NIGHTJAR_HOME ?= $(CURDIR)/var
DEMO_DATE := 2026-03-31
DAYS ?= 7
WORKERS ?= 2
# In the order of the folders, so that the long end-to-end runs start before most other tests.
AT_ONCE = --numprocesses $(WORKERS) --no-loadscope-reorder
UNIT := tests/unit ml/evaluation/metrics
SIZE ?= 100k
SOAK ?=
BENCH_WORK ?= $(CURDIR)/var/bench-quality
# --ablations, --peers-only, --sequence
QUALITY_OPTIONS ?=
BENCH_PERFORMANCE_WORK ?= $(CURDIR)/var/bench
BENCH_COLD_WORK ?= $(CURDIR)/var/bench-cold
# Programs that inspect the environment from outside: their own packages are no part of it.
CHECKS := .venv-checks/bin
DEPENDENCIES := $(CURDIR)/var/dependencies
COMPILE := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-emit-index-url

.PHONY: help check setup demo up down docs secrets test-unit golden test test-stack browser bench bench-quality bench-neural-env bench-cold explore test-reliability test-guards audit licences sbom lint lock clean

help:  ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

check:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null || { \
		echo "Python 3.11, 3.12 or 3.13 is needed, $(PYTHON) is $$($(PYTHON) --version 2>&1)."; \
		echo "Fix: apt-get install python3 python3-venv python3-dev   or   make PYTHON=/path/to/python3.12 setup"; \
		exit 2; }
	@command -v c++ >/dev/null && command -v cc >/dev/null || { \
		echo "A C and C++ compiler is needed: LightFM and hnswlib are compiled for this machine."; \
		echo "Fix: apt-get install build-essential   (macOS: xcode-select --install)"; \
		exit 2; }
	@java=$${JAVA_HOME:+$$JAVA_HOME/bin/}java; \
	major=$$("$$java" -version 2>&1 | sed -nE 's/.* version "([0-9]+).*/\1/p' | head -1 || true); \
	[ "$${major:-0}" -ge 17 ] || { \
		echo "Java 17 or newer is needed for Spark, found: $${major:-none}."; \
		echo "Fix: apt-get install openjdk-17-jre-headless   or point JAVA_HOME at a newer Java"; \
		exit 2; }

setup: check .venv/.ready  ## Build .venv from requirements.lock

.venv/.ready: requirements.lock pyproject.toml
	@[ -x $(BIN)/python ] || $(PYTHON) -m venv .venv || { \
		echo "Fix: apt-get install python3-venv python3-dev"; rm -rf .venv; exit 2; }
	@awk '/^uv==/ {found = 1} found {print; if ($$0 !~ /\\$$/) exit}' requirements.lock > .venv/uv.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
	$(BIN)/uv pip sync --quiet --python $(BIN)/python --require-hashes requirements.lock
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --editable .
	@touch $@

demo: setup  ## Run the pipeline once on a generated shop, from raw events to published recommendations
	$(BIN)/nightjar import demo-shop --last-date $(DEMO_DATE)
	$(BIN)/nightjar run --date $(DEMO_DATE)

explore: setup  ## Show the output tables in a browser, read-only: users, items, quality, clicks, runs
	@$(BIN)/nightjar explore

up: setup  ## Start the local stack (PostgreSQL, Airflow, MLflow) and wait until it is healthy
	@$(BIN)/nightjar stack up

down: setup  ## Stop the local stack; its data stays
	@$(BIN)/nightjar stack down

docs: setup  ## Write one page about every table and column; make up serves it in Airflow
	@$(BIN)/nightjar docs

secrets:  ## Generate the missing passwords of docker-compose.yml in .env
	@$(PYTHON) -m nightjar.stack.team.secrets_file .env

test-unit: setup  ## Run the tests that start no JVM, no server and no process
	$(BIN)/python -m pytest -m unit $(AT_ONCE) $(UNIT)

golden: setup  ## Renew the golden files (messages, commands, columns); review the diff
	@rm -f tests/wording.json
	NIGHTJAR_REWRITE_GOLDEN=1 $(BIN)/python -m pytest -q -m unit $(AT_ONCE) $(UNIT)
	NIGHTJAR_REWRITE_GOLDEN=1 $(BIN)/python -m pytest -q tests/integration/dags/test_dag_policies.py tests/integration/dbt_project/test_output_contracts.py

.venv/.neural: requirements.neural.txt .venv/.ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

test: setup .venv/.neural  ## Run every test except those of the stacks, in WORKERS parallel processes
	$(BIN)/python -m pytest $(AT_ONCE)

test-stack: setup browser  ## Start a stack on free ports and test it, also in a browser; DAYS=2 backfills less than a week
	NIGHTJAR_TEST_DAYS=$(DAYS) $(BIN)/python -m pytest -m stack $(AT_ONCE)

test-reliability: setup  ## Test publishing under kills, races and bad input; SOAK=1 tests longer
	NIGHTJAR_TEST_SOAK=$(SOAK) $(BIN)/python -m pytest -m reliability $(AT_ONCE) tests/reliability

test-guards: setup  ## Remove each guard and check that its test fails
	$(BIN)/python -m pytest -m guards tests/reliability/test_guards.py

browser:
	@command -v chromium >/dev/null || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && { \
		apt-get -qq update; apt-get -qq install -y --no-install-recommends chromium >/dev/null; }; } || { \
		echo "Chromium is needed to test the user interface."; echo "Fix: apt-get install chromium"; exit 2; }

bench: setup  ## Measure the cost of a run beside bare libraries, on generated data; SIZE=100k, 1m or 20m
	$(BIN)/python -m benchmarks.performance --size $(SIZE) --work $(BENCH_PERFORMANCE_WORK)

bench-quality: setup  ## Compare the recommendations with those of other models; DATA="DIR DIR": see benchmarks/quality/data_sets.py
	@[ -n "$(DATA)" ] || { echo "Name the data: make bench-quality DATA=\"path/to/ml-100k path/to/yoochoose-100k\""; exit 2; }
	$(BIN)/uv pip install --quiet --python $(BIN)/python --require-hashes -r requirements.bench.lock
	$(BIN)/python -m pytest -q tests/unit/benchmarks
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -W "ignore:Method expects CSR input" -m benchmarks.quality --data $(DATA) --work $(BENCH_WORK) $(QUALITY_OPTIONS)

bench-neural-env: setup .venv-neural/.ready  ## Build .venv-neural, in which make bench-quality trains SASRec and gSASRec

.venv-neural/.ready: benchmarks/quality/neural/requirements.txt
	$(PYTHON) -m venv --clear .venv-neural
	.venv-neural/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench-cold: setup  ## Compare cold items and new domains with other models; DATA="DIR DIR": see benchmarks/cold_start/sources.py
	@[ -n "$(DATA)" ] || { echo "Name the data: make bench-cold DATA=\"path/to/citeulike-t path/to/amazon-sport-cloth\""; exit 2; }
	OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 $(BIN)/python -m benchmarks.cold_start --data $(DATA) --work $(BENCH_COLD_WORK)

.venv-checks/.ready: requirements.checks.lock .venv/.ready
	$(BIN)/uv venv --quiet --clear --python $(BIN)/python .venv-checks
	$(BIN)/uv pip sync --quiet --python $(CHECKS)/python --require-hashes requirements.checks.lock
	@mkdir -p $(DEPENDENCIES) && touch $@

audit: .venv-checks/.ready  ## Check the locked packages for known vulnerabilities, by a service on the network
	@rm -f $(DEPENDENCIES)/audit.*
	@$(CHECKS)/pip-audit --vulnerability-service osv --strict --no-deps --disable-pip --progress-spinner off \
		$(foreach lock,$(wildcard requirements*.lock),--requirement $(lock)) \
		--output $(DEPENDENCIES)/audit.txt 2> $(DEPENDENCIES)/audit.log || { \
		[ ! -s $(DEPENDENCIES)/audit.txt ] || { cat $(DEPENDENCIES)/audit.txt; exit 1; }; \
		echo "Nothing was audited. The vulnerability service failed with: $$(tail -1 $(DEPENDENCIES)/audit.log)"; \
		exit 2; }
	@echo "No known vulnerabilities."

licences: .venv-checks/.ready  ## List the licence of each dependency; one that pyproject.toml does not allow fails
	@$(CHECKS)/pip-licenses --python $(BIN)/python --format markdown --output-file $(DEPENDENCIES)/licences.md

sbom: .venv-checks/.ready  ## Write the bill of materials of .venv (CycloneDX JSON); the same .venv gives the same bytes
	$(CHECKS)/cyclonedx-py environment --pyproject pyproject.toml --output-reproducible --validate \
		--output-file $(DEPENDENCIES)/sbom.json $(BIN)/python

lint: setup  ## Check style, types, direction of imports, SQL, and that no file contains a secret
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/sqlfluff lint dbt_project --disable-progress-bar
	git ls-files -z ':!*.lock' ':!*.png' | xargs -0 $(BIN)/detect-secrets-hook

lock: setup  ## Resolve requirements*.lock again from pyproject.toml
	$(COMPILE) --extra dev --extra explorer pyproject.toml --output-file requirements.lock
	$(COMPILE) --constraints requirements.lock --extra explorer pyproject.toml --output-file requirements.image.lock
	$(COMPILE) --constraints requirements.lock --group build --output-file requirements.build.lock
	$(COMPILE) --constraints requirements.lock --group bench --output-file requirements.bench.lock
	$(COMPILE) --constraints requirements.lock --group checks --output-file requirements.checks.lock

clean:  ## Remove the environment; NIGHTJAR_HOME stays
	rm -rf .venv .venv-checks *.egg-info
