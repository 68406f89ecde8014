# dream-api: everything a person or CI does with this repository. `make` alone lists it.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV := UV_PYTHON_DOWNLOADS=never .venv/bin/uv
# The version and hashes of uv itself, which reads all others from uv.lock.
UV_REQUIREMENTS := deploy/uv-requirements.txt

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/node/bin:$(CURDIR)/node_modules/.bin:$(PATH)

# Packages of their own inside the repository, each with its scripts `check` and `test`.
PACKAGES := $(wildcard frontend/package.json sdk/typescript/package.json)
each_package = @for package in $(dir $(PACKAGES)); do echo "==> $$package: $(1)"; npm --prefix $$package run --silent --if-present $(1) || exit 1; done

##@ Start here

.PHONY: help
help: ## List what make can do
	@awk 'BEGIN {FS = ":.*## "} \
	  /^##@/ {printf "\n\033[1m%s\033[0m\n", substr($$0, 5)} \
	  /^[a-z-]+:.*## / {printf "  make %-22s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: install
install: .venv/.installed node_modules/.installed $(PACKAGES:package.json=node_modules/.installed) ## Install Python, Node and Workers tools, as locked
	@:

.venv/.installed: uv.lock pyproject.toml shared/pyproject.toml $(UV_REQUIREMENTS)
	@echo "==> Python packages into .venv"
	@test -x .venv/bin/uv || { $(PYTHON) -m venv .venv && \
	  .venv/bin/python -m pip install --quiet --disable-pip-version-check --only-binary :all: --require-hashes -r $(UV_REQUIREMENTS); }
	@$(UV) sync --frozen --quiet
	@touch $@

node_modules/.installed: package.json package-lock.json
	@echo "==> Node, wrangler, workerd and pyright into node_modules"
	@npm ci --no-fund --no-audit --loglevel=error
	@touch $@

%/node_modules/.installed: %/package.json %/package-lock.json
	@echo "==> npm packages of $*"
	@npm --prefix $* ci --no-fund --no-audit --loglevel=error
	@touch $@

##@ Run it on this machine

DEVSTACK := .venv/bin/python -m devstack

.PHONY: dev up down status logs clean-data vendor
dev: install ## Run everything here until Ctrl-C, with one log
	@exec $(DEVSTACK) dev

up: install ## The same in the background; harmless when it runs already
	@$(DEVSTACK) up

down: install ## Stop what up or dev started
	@$(DEVSTACK) down

status: install ## Addresses and keys of the running stack
	@$(DEVSTACK) status

logs: ## Follow the log of the running stack
	@tail -n 100 -F "$${DREAM_DEV_DIR:-.dev}/dev.log"

clean-data: install ## Forget the local databases, keys and logs
	@$(DEVSTACK) clean-data

.PHONY: rotate-encryption-key
rotate-encryption-key: install ## Seal stored secret keys under a new key
	@$(DEVSTACK) rotate-encryption-key

##@ Deploy

vendor: install ## Fill workers/*/python_modules with what wrangler uploads
	@.venv/bin/python -m deploy.vendor

.PHONY: build-frontend
build-frontend: install ## Build the dashboard into frontend/dist, for Pages
	@npm --prefix frontend run --silent build

dry-run: vendor ## Bundle each worker as a deploy would, compare it with its wheels, and print its size
	@.venv/bin/python -m deploy.dry_run

##@ Check

.PHONY: check format test bench dry-run
check: install ## Format, lint, types, layers: all that CI asks before the tests
	@echo "==> format" && ruff format --check --quiet .
	@echo "==> lint" && ruff check --quiet .
	@echo "==> types" && pyright --warnings
	@echo "==> layers" && pytest --quiet tests/test_layers.py
	$(call each_package,check)

.PHONY: types
types: install ## Write the dashboard's types from openapi.yaml
	@npm --prefix frontend run --silent types

format: install ## Let ruff format the code and sort its imports
	@ruff check --quiet --select I --fix . && ruff format --quiet .

.PHONY: chromium
chromium:
	@command -v chromium >/dev/null || { echo "==> chromium from Debian, for the tests in a browser"; \
	  run=; [ "$$(id -u)" = 0 ] || run=sudo; \
	  $$run apt-get update -qq && $$run env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq chromium >/dev/null; }

test: install chromium ## All tests, in the real runtime where it matters
	$(call each_package,test)
	@pytest

bench: install ## Measure the hot path against minimal workers, and write bench/results.json
	@.venv/bin/python -m bench
