# Every command sets up what it needs. `make help` lists them.

PYTHON ?= python3
# Another interpreter gets an environment of its own: make test PYTHON=python3.12
VENV ?= .venv$(if $(filter-out python3,$(PYTHON)),-$(notdir $(PYTHON)))
# Arguments for the command that runs: make run ARGS="--port 0"
ARGS ?=
# Test processes; 0 is this one alone, which shows output as it comes.
WORKERS ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check
RUN_STAMP := $(VENV)/.installed-run
DEV_STAMP := $(VENV)/.installed-dev
FUZZ_STAMP := $(VENV)/.installed-fuzz

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test lint format format-check types docs docs-assets bench bench-steps bench-growth bench-check wheel-check
.PHONY: test-stores fuzz soak proofs examples dist image-test lock clean

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: $(RUN_STAMP) ## start the sandbox on 127.0.0.1:4080; ARGS="--port 0" adds flags
	@exec $(BIN)/mockserver serve $(ARGS)

test: $(DEV_STAMP) ## run the tests; ARGS="-k users" picks some, WORKERS=2 spreads them
	@$(BIN)/pytest $(if $(filter-out 0,$(WORKERS)),--numprocesses $(WORKERS)) $(ARGS)

lint: $(DEV_STAMP) ## look for defects with ruff
	@$(BIN)/ruff check .

format: $(DEV_STAMP) ## format the code and mend what ruff can
	@$(BIN)/ruff check --fix-only --quiet .
	@$(BIN)/ruff format .

format-check: $(DEV_STAMP) ## fail where `make format` would change something
	@$(BIN)/ruff format --check --diff .

types: $(DEV_STAMP) ## check the types with mypy
	@$(BIN)/mypy
	@cd examples/onboarding && $(abspath $(BIN))/mypy --config-file ../../pyproject.toml .

docs: $(DEV_STAMP) ## write the generated tables of the pages anew, and the files that the tutorial shows
	@$(BIN)/python -c 'from tests.test_docs import regenerate; regenerate()'
	@$(BIN)/python -c 'from tests.examples.tutorial import EXAMPLES, show_files; show_files(EXAMPLES / "onboarding/README.md")'

docs-assets: $(DEV_STAMP) ## fetch the docs page's pinned Swagger UI anew from npm and verify it; VERSION=5.x.y pins another
	@$(BIN)/python -m tests.web.docs_assets $(VERSION)

bench: $(DEV_STAMP) ## measure a request against peers (needs wrk, node, npm); ARGS=--quick for a look
	@command -v npm >/dev/null || { echo "npm is not here: apt-get install nodejs npm" >&2; exit 1; }
	@npm install --silent --no-audit --no-fund --no-package-lock --prefix benchmarks/node
	@$(BIN)/python -m benchmarks peers $(ARGS)

bench-steps: $(DEV_STAMP) ## measure each step of a request, in process
	@$(BIN)/python -m benchmarks steps $(ARGS)

bench-growth: $(DEV_STAMP) ## measure many users, connections, worlds and large bodies (needs wrk)
	@$(BIN)/python -m benchmarks growth $(ARGS)

bench-check: $(DEV_STAMP) ## fail where a request costs twice what is recorded (needs wrk)
	@$(BIN)/python -m benchmarks check

wheel-check: $(DEV_STAMP) ## build the wheel, install it in an empty environment elsewhere, and serve from there
	@set -e; away=$$(mktemp -d); trap 'rm -rf "$$away"' EXIT; \
	$(BIN)/python -m hatchling build -t wheel -d "$$away" >/dev/null; \
	$(PYTHON) -m venv "$$away/venv"; \
	"$$away/venv/bin/python" -m pip --quiet --disable-pip-version-check install --require-hashes -r requirements/run.txt; \
	"$$away/venv/bin/python" -m pip --quiet --disable-pip-version-check install --no-deps "$$away"/*.whl; \
	$(BIN)/python -m tests.wheel_check "$$away/venv/bin"

test-stores: $(DEV_STAMP) ## run the tests of behaviour once more over SQLite and Redis (needs redis-server)
	@$(BIN)/python -m tests.stores.everything $(or $(filter-out 0,$(WORKERS)),1)

fuzz: $(FUZZ_STAMP) ## Schemathesis against /openapi.json, every check and phase; SECONDS=3600 goes on longer
	@$(BIN)/python -m tests.fuzz $(or $(SECONDS),120)

soak: $(DEV_STAMP) ## full load, and memory and descriptors must stay; SECONDS=3600 goes on longer
	@$(BIN)/python -m tests.soak $(or $(SECONDS),60)

proofs: $(DEV_STAMP) ## kill the server 50 times on each store, and try the stores and the parser with many more examples
	@KILL_ROUNDS=50 PROOF_EXAMPLES=$(or $(PROOF_EXAMPLES),500) $(BIN)/pytest -n 0 tests/stores/test_kill.py \
		tests/stores/test_model.py tests/behaviour/test_engine_fuzz.py

examples: $(DEV_STAMP) ## do what the tutorial of examples/onboarding says, from its first line, in an empty environment
	@$(BIN)/python -m tests.examples.fresh

dist: $(DEV_STAMP) ## build the wheel and the sdist into dist/
	@rm -rf dist
	@$(BIN)/python -m build --no-isolation --outdir dist . >/dev/null
	@ls dist

# Where no Docker runs, a tool that builds and runs a Dockerfile with podman can stand in; it needs root on Debian.
IMAGE_TEST ?= ../shared/tools/image_test.sh
IMAGE := localhost/flagright-mockserver:check
image-test: export IMG_WORK ?= /tmp/image-test
image-test: ## build the container image and try what it promises
	@set -e; \
	if docker info >/dev/null 2>&1; then \
		docker build --quiet --tag $(IMAGE) .; \
		$(PYTHON) tests/image_check.py --engine docker $(IMAGE); \
	elif [ -x "$(IMAGE_TEST)" ] && [ "$$(id -u)" -eq 0 ]; then \
		"$(IMAGE_TEST)" -k -t $(IMAGE) -p 4080 -u /readyz -e MOCKSERVER_OUTCOME=clean .; \
		export CONTAINERS_CONF="$$IMG_WORK/conf/containers.conf" DISABLE_HC_SYSTEMD=true \
			CONTAINERS_STORAGE_CONF="$$IMG_WORK/conf/storage.conf" \
			CONTAINERS_REGISTRIES_CONF="$$IMG_WORK/conf/registries.conf"; \
		$(PYTHON) tests/image_check.py --engine podman $(IMAGE); \
		podman rmi --force $(IMAGE) >/dev/null; \
	else \
		echo "skipped: the image: no Docker runs here, and $(IMAGE_TEST) is not there or this is not root"; \
	fi

# The pins hold for every supported Python at once; each later file agrees with the first.
lock: ## pin the newest allowed dependencies anew, with hashes
	@$(CHECK_PYTHON)
	@set -e; tools=$$(mktemp -d); trap 'rm -rf "$$tools"' EXIT; \
	$(PYTHON) -m venv "$$tools"; \
	"$$tools/bin/python" -m pip --quiet --disable-pip-version-check install uv; \
	pin() { \
		"$$tools/bin/uv" pip compile --quiet --no-config --upgrade --universal --python-version 3.11 \
			--generate-hashes --no-emit-index-url --no-header "$$@"; \
	}; \
	pin pyproject.toml --group dev --output-file requirements/dev.txt; \
	pin pyproject.toml --constraints requirements/dev.txt --no-annotate --output-file requirements/run.txt; \
	pin pyproject.toml --extra metrics --extra redis --constraints requirements/dev.txt --no-annotate \
		--output-file requirements/image.txt; \
	pin pyproject.toml --group dev --group fuzz --constraints requirements/dev.txt --no-annotate \
		--output-file requirements/fuzz.txt; \
	echo hatchling | pin - --constraints requirements/dev.txt --no-annotate --output-file requirements/build.txt

clean: ## remove the environments, caches and builds
	rm -rf .venv .venv-* .venv3* build dist *.egg-info .hypothesis .schemathesis .mypy_cache .pytest_cache .ruff_cache
	rm -rf examples/*/.mypy_cache examples/*/.pytest_cache examples/*/.ruff_cache
	find mockserver tests examples -name __pycache__ -type d -prune -exec rm -rf {} +

define CHECK_PYTHON
command -v $(PYTHON) >/dev/null || { \
	echo "$(PYTHON) is not here: install Python 3.11 or newer, or name one: PYTHON=python3.12" >&2; exit 1; }; \
$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	echo "$(PYTHON) is too old or does not run: Python 3.11 or newer is needed; name one: PYTHON=python3.12" >&2; exit 1; }; \
$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	echo "$(PYTHON) cannot make environments: apt-get install python3-venv" >&2; exit 1; }
endef

# A stamp is written last, so a set-up that was cut short is done again.
$(RUN_STAMP): pyproject.toml requirements/run.txt requirements/build.txt
	@$(CHECK_PYTHON)
	@rm -f $(RUN_STAMP) $(DEV_STAMP)
	@echo "Setting up $(VENV) ..."
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	@$(PIP) install --require-hashes -r requirements/run.txt -r requirements/build.txt
	@$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

$(DEV_STAMP): $(RUN_STAMP) requirements/dev.txt
	@rm -f $@
	@$(PIP) install --require-hashes -r requirements/dev.txt
	@touch $@

$(FUZZ_STAMP): $(DEV_STAMP) requirements/fuzz.txt
	@$(PIP) install --require-hashes -r requirements/fuzz.txt
	@touch $@
