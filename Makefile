# Everything a fresh machine with make and Python 3.11 or newer needs. `make` lists the targets.

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

# The oldest of those it was tried with that is here.
PYTHON ?= $(firstword $(foreach minor,11 12 13,$(if $(shell command -v python3.$(minor)),python3.$(minor))) python3)
UV_VERSION := 0.13.8
UV := .tools/uv-$(UV_VERSION)/bin/uv
BIN := .venv/bin
WORKERS ?= 3

# The interpreter is the one on this machine; the environment is the project's own, whatever shell make runs in.
export UV_PYTHON_DOWNLOADS := never
# Whatever it says of byte code, too: a start that compiles everything takes three times as long.
unexport VIRTUAL_ENV PYTHONHOME PYTHONDONTWRITEBYTECODE

.PHONY: help setup setup-dev setup-test debian-packages demo test check lint bench bench-large mutation lock clean

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(firstword $(MAKEFILE_LIST))

# -- set-up: each step leaves a stamp, so that the second run is quick

setup: .venv/.stamp-run ## Install what the product needs into .venv

setup-dev: .venv/.stamp-dev ## Install what its tests and checks need as well

setup-test: .venv/.stamp-dev debian-packages ## The same, and the real servers of the tests

$(UV):
	@echo "Setting up uv $(UV_VERSION) in .tools, which installs the locked packages"
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: install it, or name it: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv --clear .tools/uv-$(UV_VERSION) || { \
	  scripts/install-debian-packages <(echo "python3-venv everything: $(PYTHON) can not make environments") \
	  && $(PYTHON) -m venv --clear .tools/uv-$(UV_VERSION); }
	@.tools/uv-$(UV_VERSION)/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)

# --inexact: what the tests need may be there already, and stays.
.venv/.stamp-run: pyproject.toml uv.lock | $(UV)
	@echo "Installing the locked packages into .venv"
	@$(UV) sync --quiet --frozen --no-dev --inexact --python $(PYTHON)
	@touch $@

.venv/.stamp-dev: pyproject.toml uv.lock | $(UV)
	@echo "Installing the locked packages into .venv, with those of the tests"
	@$(UV) sync --quiet --frozen --python $(PYTHON)
	@touch .venv/.stamp-run $@

debian-packages:
	@scripts/install-debian-packages tools/debian-packages.txt
	@scripts/install-keycloak

# -- the main job, and what proves it

# The repository root is importable, for the rig and the software authenticator in tools/.
demo: setup $(if $(filter samba,$(DIRECTORY)),debian-packages) ## Play the story and keep the console up (CHECK=1, DIRECTORY=samba)
	@PYTHONPATH=. $(BIN)/watchword demo $(if $(CHECK),--check) $(if $(DIRECTORY),--directory $(DIRECTORY))

# Three processes keep two cores busy, since tests wait as well; tests/conftest.py says which tests stay together.
test: setup-test ## Run every test (WORKERS=0 ARGS="tests/core -k quorum")
	@$(BIN)/pytest -n $(WORKERS) --no-loadscope-reorder $(ARGS)

check: lint ## Lint, format, types, imports, documents: what every commit passes
	@echo "house and documents"; $(BIN)/pytest --quiet -n $(WORKERS) tests/house tests/docs

lint: setup-dev ## The same without tests, which `make test` runs anyway
	@echo "ruff check";  $(BIN)/ruff check --quiet
	@echo "ruff format"; $(BIN)/ruff format --check --quiet
	@echo "mypy";        $(BIN)/mypy
	@echo "imports";     $(BIN)/lint-imports
	@echo "attacks";     $(BIN)/watchword policy prove --fail-under shipped | tail -n 1

bench: setup-dev ## Measure, with ratios side by side
	@for bench in append slow_disk ledger policy prove classify peers follow verify spark; do echo; PYTHONPATH=. $(BIN)/python bench/$$bench.py; done

bench-large: setup-dev ## Measure the watch on 10 GB as well (14 GB of disk)
	@PYTHONPATH=. $(BIN)/python bench/classify.py --sizes 300,3000,10000

mutation: setup-dev ## Change the pure modules one thing at a time; their tests have to notice (MODULES="core/quorum.py")
	@PYTHONPATH=. $(BIN)/python tools/mutation.py $(MODULES)

lock: $(UV) ## Resolve the dependencies again into uv.lock
	@$(UV) lock --python $(PYTHON)

clean: ## Remove everything that can be made again
	@rm -rf .venv .tools .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache dist
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
