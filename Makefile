# The front door: `make` lists what there is.
PYTHON ?= $(shell python3.11 -c 'import sys; print(sys.executable)' 2>/dev/null || echo python3)
UV_VERSION := 0.13.8
VERSION := $(shell sed -n 's/^VERSION = "\(.*\)"/\1/p' agent/core/version.py)
IMAGE ?= reachd:$(VERSION)

# Tests wait more than they compute, so three workers keep two cores busy. They take tests of their neighbours when they
# have none left, which leaves what a module shares with one of them.
PYTEST := .venv/bin/python -m pytest -n 3 --dist worksteal
PIP := .venv/bin/python -m pip --disable-pip-version-check --quiet

# Tests start the agent some hundred times: without byte code each start would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test live quick lint servers quick-servers bench docs packs pictures lock image

help: ## what each target does
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 12

install: .venv/.runtime ## what the agent needs to run; leaves .venv/bin/reachd

demo: install ## a simulated Meshery on loopback, watched by the real agent
	.venv/bin/reachd demo

test: lint quick-servers ## every check, and every test but the live ones
	$(PYTEST) -m "not slow"
	$(PYTEST) -m slow --ignore=tests/live

live: .venv/.develop ## every fault of the demo, from the first failed probe to the delivered page; takes minutes
	.venv/bin/python -m pytest tests/live

quick: .venv/.develop quick-servers ## the tests that take seconds
	$(PYTEST) -m "not slow"

lint: .venv/.develop ## style, types, and the direction of imports
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports

servers: .venv/.runtime ## all real servers that the tests know, into .servers/
	.venv/bin/python -m tests.servers.fetch

# Tests whose server is not to be had are left out and say so, so this must not stop the others.
quick-servers: .venv/.runtime
	@.venv/bin/python -m tests.servers.fetch --quick || true

bench: .venv/.develop quick-servers ## what a probe costs, measured beside its peers
	.venv/bin/python -m benchmarks

docs: .venv/.runtime ## the pages that are made from the code
	.venv/bin/python -m agent.settings.reference > docs/configuration.md
	.venv/bin/python -m agent.metrics.reference > docs/metrics.md
	.venv/bin/python -m agent.profiles.reference > docs/meshery.md
	.venv/bin/python -m agent.profiles.checklist_reference > docs/checklist.md
	.venv/bin/python -m agent.core.reasons_reference > docs/runbooks/reasons.md

packs: .venv/.develop ## alert rules, Alertmanager's configuration and dashboards, from the code in alerts/ and dashboards/
	.venv/bin/python -m alerts
	.venv/bin/python -m dashboards

# A recording takes 25 minutes and is kept in build/: without it a new one is made.
pictures: .venv/.develop ## pictures of the dashboards for docs/, from real data; needs Node and `make servers`
	npm ci --ignore-scripts --no-audit --no-fund --prefix pictures
	npm run build --prefix pictures
	.venv/bin/python -m pictures --recording build/recording

lock: ## the lock files, from pyproject.toml
	@folder=$$(mktemp -d) && trap 'rm -rf "$$folder"' EXIT && set -e; \
	$(PYTHON) -m venv "$$folder" && "$$folder/bin/pip" install --quiet uv==$(UV_VERSION); \
	compile() { "$$folder/bin/uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes \
		--no-emit-index-url --no-annotate --upgrade --custom-compile-command 'make lock' "$$@"; }; \
	compile pyproject.toml --group dev --output-file requirements-dev.lock; \
	compile pyproject.toml --constraint requirements-dev.lock --output-file requirements.lock; \
	compile --group build --constraint requirements-dev.lock --output-file requirements-build.lock

image: ## the container image, with docker or buildah; BASE=... for another base image
	@if docker info >/dev/null 2>&1; then build='docker build'; \
	elif command -v buildah >/dev/null; then build='buildah build'; \
	else echo 'make image needs buildah, or docker and its daemon' >&2; exit 1; fi; \
	$$build --tag $(IMAGE) $(if $(BASE),--build-arg BASE=$(BASE)) \
		--build-arg VERSION=$(VERSION) --build-arg REVISION=$$(git rev-parse HEAD) .

.venv/bin/python:
	$(PYTHON) -m venv .venv

.venv/.runtime: pyproject.toml requirements.lock requirements-build.lock | .venv/bin/python
	$(PIP) install --require-hashes -r requirements-build.lock
	$(PIP) install --require-hashes --no-build-isolation -r requirements.lock
	$(PIP) install --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.develop: requirements-dev.lock .venv/.runtime
	$(PIP) install --require-hashes --no-build-isolation -r requirements-dev.lock
	@touch $@
