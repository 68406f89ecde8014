# All commands of this repository, for developers and CI. `make` without a target lists them.
# It works without root, and with GNU make 3.81 and bash 3.2, which macOS has.

SHELL := /bin/bash
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
UV := UV_PYTHON_DOWNLOADS=never .venv/bin/uv
# The version and hashes of uv. uv reads those of all other packages from uv.lock.
UV_REQUIREMENTS := deploy/uv-requirements.txt

export PATH := $(CURDIR)/.venv/bin:$(CURDIR)/node_modules/node/bin:$(CURDIR)/node_modules/.bin:$(PATH)

# The npm packages in this repository. Each may have the scripts `check`, `format` and `test`.
PACKAGES := $(wildcard frontend/package.json sdk/typescript/package.json)
each_package = @for package in $(dir $(PACKAGES)); do echo "==> $$package: $(1)"; npm --prefix $$package run --silent --if-present $(1) || exit 1; done

# A check that fails prints how to repair it: $(call or_say,text)
or_say = || { echo '==> $(1)' >&2; exit 1; }

##@ Start here

.PHONY: help
help: ## List all targets
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
dev: install ## Run the local stack in the foreground until Ctrl-C, with its log
	@exec $(DEVSTACK) dev

up: install ## Start the local stack in the background, if it does not run yet
	@$(DEVSTACK) up

down: install ## Stop the local stack
	@$(DEVSTACK) down

status: install ## Print the addresses and keys of the running stack
	@$(DEVSTACK) status

logs: ## Print the log of the stack, and follow it until Ctrl-C
	@tail -n 100 -F "$${DREAM_DEV_DIR:-.dev}/dev.log"

clean-data: install ## Delete the local databases, keys and logs
	@$(DEVSTACK) clean-data

.PHONY: rotate-encryption-key
rotate-encryption-key: install ## Encrypt the stored secret keys with a new encryption key
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

dry-run: vendor ## Bundle each worker as a deploy does, and compare it with its wheels
	@.venv/bin/python -m deploy.dry_run

##@ Check

.PHONY: check format test test-fast coverage torture bench dry-run
# Tests that are quick and need no runtime, so that `make check` runs them.
ARCHITECTURE_TESTS := tests/architecture tests/workerd/test_isolation.py::test_every_route_is_probed

# Deployed code that only tests call is dead code. So vulture first reads the deployed code without the tests.
DEPLOYED_CODE := shared workers/*/src
LOCAL_CODE := devstack $(wildcard deploy) bench tests

check: install ## Check format, lint, types, dead code, architecture and npm packages
	@echo "==> format" && ruff format --check --quiet . $(call or_say,Run "make format".)
	@echo "==> lint" && ruff check --quiet . $(call or_say,Run "make format" for the order of imports. Correct other findings by hand.)
	@echo "==> types" && pyright --warnings $(call or_say,Correct the code: the messages of pyright name file and line.)
	@echo "==> dead code" && vulture $(DEPLOYED_CODE) && vulture $(DEPLOYED_CODE) $(LOCAL_CODE) \
	  $(call or_say,Delete code that nothing calls. Add a name to [tool.vulture] in pyproject.toml only if a library calls it.)
	@echo "==> architecture" && pytest --quiet $(ARCHITECTURE_TESTS)
	$(call each_package,check)

.PHONY: types
types: install ## Write the dashboard's types from openapi.yaml
	@npm --prefix frontend run --silent types

format: install ## Format the code and sort its imports
	@ruff check --quiet --select I --fix . && ruff format --quiet .
	$(call each_package,format)

.PHONY: browser
browser: install ## Find a browser for tests and screenshots, or install one
	@.venv/bin/python -m devstack.browser

IN_PROCESS := --ignore=tests/workerd --ignore=tests/devstack

test-fast: install ## Run the tests that need no runtime, no browser and no process
	@pytest --quiet -n 2 --dist loadfile $(IN_PROCESS)

coverage: install ## Show the lines of shared/ and workers/ that the tests in process do not reach
	@pytest --quiet -n 2 --dist loadfile $(IN_PROCESS) --cov --cov-report=term-missing

# If there is no browser, the tests that need one are skipped, and pytest lists them.
test: install ## Run all tests, also those in the real runtime
	@.venv/bin/python -m devstack.browser || true
	$(call each_package,test)
	@pytest --quiet -n 2 --dist loadfile $(IN_PROCESS)
	@pytest tests/workerd tests/devstack

# It takes some hours. STORE_STORIES and SUBSCRIPTION_LIVES set the sizes; the same names with _SEED set the random seeds.
torture: export TEST_PROFILE = torture
torture: install ## Run the random tests at full length, in process and then in the real runtime
	@pytest --quiet -n 2 --dist loadfile $(IN_PROCESS)
	@pytest --quiet tests/workerd/test_store_stories.py tests/workerd/test_subscription_lives.py

bench: install ## Measure the hot path against minimal workers; write bench/results.json
	@.venv/bin/python -m bench
