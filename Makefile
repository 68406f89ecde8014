# Everything that a person or CI does with this repository. `make` alone lists it.
# Works with GNU make 3.81 and bash 3.2, which macOS ships, and without root.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV := UV_PYTHON_DOWNLOADS=never .venv/bin/uv
# The version and hashes of uv itself, which reads all others from uv.lock.
UV_REQUIREMENTS := deploy/uv-requirements.txt

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/node/bin:$(CURDIR)/node_modules/.bin:$(PATH)

# The npm packages inside the repository. Each has its own scripts `check`, `format` and `test`.
PACKAGES := $(wildcard frontend/package.json sdk/typescript/package.json)
each_package = @for package in $(dir $(PACKAGES)); do echo "==> $$package: $(1)"; npm --prefix $$package run --silent --if-present $(1) || exit 1; done

# A check that fails prints how to repair it: $(call or_say,text)
or_say = || { echo '==> $(1)' >&2; exit 1; }

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
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  $(call or_say,dream-api needs Python 3.11 or newer. Install it and name it: make install PYTHON=python3.11)
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
dev: install ## Run the local stack until Ctrl-C, and show its log
	@exec $(DEVSTACK) dev

up: install ## Run the local stack in the background; does nothing if it runs already
	@$(DEVSTACK) up

down: install ## Stop the local stack
	@$(DEVSTACK) down

status: install ## Print the addresses and keys of the running stack
	@$(DEVSTACK) status

logs: ## Follow the log of the running stack
	@tail -n 100 -F "$${DREAM_DEV_DIR:-.dev}/dev.log"

clean-data: install ## Delete the local databases, keys and logs
	@$(DEVSTACK) clean-data

.PHONY: rotate-encryption-key
rotate-encryption-key: install ## Encrypt the stored secret keys with a new key
	@$(DEVSTACK) rotate-encryption-key

.PHONY: screenshot
screenshot: install ## Save a picture of a page: PAGE=saas/keys [OUT=file.png] [WIDTH=380] [SCHEME=dark]
	@.venv/bin/python -m devstack.screenshot "$(PAGE)" $(if $(OUT),--out "$(OUT)") \
	  $(if $(WIDTH),--width $(WIDTH)) $(if $(SCHEME),--scheme $(SCHEME))

##@ Deploy

vendor: install ## Write the packages that wrangler uploads into workers/*/python_modules
	@.venv/bin/python -m deploy.vendor

.PHONY: build-frontend
build-frontend: install ## Build the dashboard into frontend/dist, for Cloudflare Pages
	@npm --prefix frontend run --silent build

dry-run: vendor ## Bundle each worker as a deploy does, compare it with its wheels, and print its size
	@.venv/bin/python -m deploy.dry_run

##@ Check

.PHONY: check format test test-fast torture bench dry-run
# Tests that are quick and need no runtime, so that `make check` runs them.
ARCHITECTURE_TESTS := tests/architecture

# What only a test calls counts as dead in deployed code, so vulture reads that code without the tests first.
DEPLOYED_CODE := shared workers/*/src
LOCAL_CODE := devstack $(wildcard deploy) bench tests

check: install ## Check format, lint, types, architecture and the dashboard
	@echo "==> format" && ruff format --check --quiet . $(call or_say,Run "make format".)
	@echo "==> lint" && ruff check --quiet . $(call or_say,Run "make format" for import order; change by hand what it leaves.)
	@echo "==> types" && pyright --warnings $(call or_say,Change the code until pyright accepts it. Its message names file and line.)
	@echo "==> dead code" && vulture $(DEPLOYED_CODE) && vulture $(DEPLOYED_CODE) $(LOCAL_CODE) \
	  $(call or_say,Delete what nothing calls. Add a name to [tool.vulture] in pyproject.toml only if a library calls it.)
	@echo "==> architecture" && pytest --quiet $(ARCHITECTURE_TESTS)
	$(call each_package,check)

.PHONY: types
types: install ## Write the dashboard's types from openapi.yaml
	@npm --prefix frontend run --silent types

format: install ## Format the code and sort its imports
	@ruff check --quiet --select I --fix . && ruff format --quiet .
	$(call each_package,format)

.PHONY: browser
browser: install ## Find the browser for tests and screenshots, or install one
	@.venv/bin/python -m devstack.browser

IN_PROCESS := --ignore=tests/workerd --ignore=tests/devstack

test-fast: install ## Run all tests that need no runtime, browser or process
	@pytest --quiet -n 2 --dist loadfile $(IN_PROCESS)

# Without a browser, the tests that need one are skipped and named.
test: install ## Run all tests, in the real runtime where it matters
	@.venv/bin/python -m devstack.browser || true
	$(call each_package,test)
	@pytest

# Some hours. STORE_STORIES, SUBSCRIPTION_LIVES and their _SEED choose other sizes and other chances.
torture: export TEST_PROFILE = torture
torture: install ## Run the random tests at full length, in process and then in the real runtime
	@pytest --quiet -n 2 --dist loadfile $(IN_PROCESS)
	@pytest --quiet tests/workerd/test_store_stories.py tests/workerd/test_subscription_lives.py

bench: install ## Compare the hot path with minimal workers, and write bench/results.json
	@.venv/bin/python -m bench
