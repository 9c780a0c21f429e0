# Needs Python >= 3.11, git and make; everything else is installed into .venv.
.DEFAULT_GOAL := help
SHELL := /bin/sh

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed
# More arguments for the tool behind a target: make test ARGS="-k weeks"
ARGS ?=

# Airflow imports thousands of modules: without .pyc files every process takes twice as long to start.
unexport PYTHONDONTWRITEBYTECODE

WITH_AIRFLOW := . scripts/airflow-env.sh &&

.PHONY: help setup run ui test lint format lock bench clean reset

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-8s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

setup: $(INSTALLED) ## Create .venv and install everything, pinned
	@echo "Ready in .venv"

$(INSTALLED): requirements.txt requirements-dev.txt providers/spine/pyproject.toml
	@$(PYTHON) scripts/check_python.py || { echo "Choose another one: make $(or $(MAKECMDGOALS),setup) PYTHON=/path/to/python3.12" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint requirements-dev.txt uv
	@echo "Installing into .venv (the first time takes a minute or two)"
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --compile-bytecode -r requirements.txt -r requirements-dev.txt
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable providers/spine
	@touch $@

run: $(INSTALLED) ## The whole path on invented data, in the terminal
	@$(WITH_AIRFLOW) sh scripts/migrate.sh && airflow spine demo $(ARGS)

ui: $(INSTALLED) ## Airflow with Spine at http://127.0.0.1:8080
	@$(WITH_AIRFLOW) sh scripts/ui.sh

test: $(INSTALLED) ## Every test that this machine can run
	@$(BIN)/pytest $(ARGS)

lint: $(INSTALLED) ## ruff, mypy --strict, layer contracts
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

format: $(INSTALLED) ## Let ruff mend and format
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

lock: $(INSTALLED) ## Compile requirements*.in to exact pins (ARGS=--upgrade for the newest)
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(ARGS) requirements.in -o requirements.txt
	@$(BIN)/uv pip compile --quiet --universal --python-version 3.11 $(ARGS) requirements-dev.in -o requirements-dev.txt

bench: $(INSTALLED) ## Run benchmarks/bench_*.py
	@set -e; for file in benchmarks/bench_*.py; do test -e "$$file" || continue; echo "$$file"; $(BIN)/python -m "benchmarks.$$(basename "$$file" .py)" $(ARGS); done

clean: ## Remove caches and builds
	@rm -rf .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist providers/spine/dist
	@find providers tests dags plugins -type d -name __pycache__ -prune -exec rm -rf {} +

reset: clean ## Remove this checkout's databases as well (.airflow, .spine)
	@rm -rf .airflow .spine
