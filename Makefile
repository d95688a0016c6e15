PYTHON ?= python3
RUN := .venv/bin/python
WORKERS ?= 3
QUICK := floor sweep peers large precision quality

unexport PYTHONDONTWRITEBYTECODE # or each of the processes that tests start would compile everything anew

.PHONY: help setup demo check test lint bench clean
.DEFAULT_GOAL := help

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "make %-7s %s\n", $$1, $$2 }' Makefile

setup: ## make .venv with everything the others need; quick when it is there (EXTRA=ray: Ray too, for engine="ray")
	@PYTHON="$(PYTHON)" EXTRA="$(EXTRA)" bash scripts/setup.sh

demo: setup ## compare the strategies on the demo's photographs and open the App (APP=0: don't open it)
	@$(RUN) demo/run.py $(if $(filter 0,$(APP)),--no-app) $(ARGS)

check: setup ## check style and run the tests that need no database and no model: for every few lines
	@$(RUN) -m ruff check --quiet
	@$(RUN) -m ruff format --check --quiet
	@PURE=1 $(RUN) -m pytest -q -rfEs $(ARGS)

test: setup ## run the tests, three at a time (ARGS="-k box" picks some, WORKERS=0 runs one at a time)
	@$(RUN) -m pytest --numprocesses $(WORKERS) --dist loadfile --no-loadscope-reorder $(ARGS)

lint: setup ## check style, formatting, and for weaknesses in the code and the pinned packages
	@$(RUN) -m ruff check
	@$(RUN) -m ruff format --check
	@$(RUN) -m bandit --quiet --configfile pyproject.toml --recursive __init__.py operators prompting demo benchmarks training
	@$(RUN) scripts/audit.py

bench: setup ## measure speed and quality (BENCH=sweep picks one, ARGS="--limit 20" goes to it)
	@for name in $(or $(BENCH),$(QUICK)); do echo; echo "== $$name"; $(RUN) -m benchmarks.$$name $(ARGS) || exit 1; done

clean: ## remove outputs and caches (.venv and the checkpoints stay)
	rm -rf demo/output benchmarks/output .pytest_cache .ruff_cache .hypothesis
	find . -path ./.venv -prune -o -name __pycache__ -type d -exec rm -rf {} +
