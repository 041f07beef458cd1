# Everything a newcomer, a developer and CI call. `make` alone lists the targets.
.DEFAULT_GOAL := help
PYTHON ?= python3
BIN := .venv/bin
# One more worker than cores: many tests wait for a disk, a process or a page.
WORKERS ?= $(shell echo $$(($$(getconf _NPROCESSORS_ONLN) + 1)))

help:           ## this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*##/\t/' | expand -t 12

.venv/.ready: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "Parley needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	@echo "Setting up .venv (once, about half a minute) ..."
	@$(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@touch $@

setup: .venv/.ready    ## build .venv with everything

run: setup      ## set up and serve: the chat opens at the URL it prints
	@exec $(BIN)/parley serve

# The tests start a hundred processes; none of them is to compile the same modules again.
test: setup     ## set up and run the tests
	@env -u PYTHONDONTWRITEBYTECODE $(BIN)/pytest -n $(WORKERS) --dist worksteal

check: setup    ## style, types, layers, containers
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/check-jsonschema --builtin-schema vendor.compose-spec docker-compose.yml
	$(BIN)/hadolint Dockerfile

fix: setup      ## format and mend what can be mended
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

chaos: setup    ## kill, pause, cut and restart two gateways under load for a while, and check every promise
	$(BIN)/python -m tests.chaos

chaos-slack: setup    ## kill gateways at random for two minutes under Slack's events, and look for what is lost or doubled
	$(BIN)/python -m tests.chaos.slack_run --over $(or $(OVER),http)

bench: setup    ## figures: the cost of a turn beside its floor
	$(BIN)/python -m bench.turn

isolation: setup    ## interleavings of people, threads and links with a model that obeys everybody, on all cores; hours: make isolation COUNT=10000
	$(BIN)/python -m tests.isolation --count $(or $(COUNT),10000)

recall: setup   ## how much a search finds: make recall FILE=conversations.json, in the form of LoCoMo; a made one without
	@test -n "$(FILE)" || { mkdir -p build; $(BIN)/python -m bench.locomo_made build/recall.json; }
	$(BIN)/python -m bench.recall $(or $(FILE),build/recall.json)

bench-widget: setup    ## figures: the widget cut off, on a slow phone, idle by the thousand
	$(BIN)/python -m bench.widget

bench-budgets: setup    ## whether a cap holds when ten thousand visitors come at once
	$(BIN)/python -m bench.budgets

COMPILE := uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

lock:           ## renew requirements.lock and, for the image, requirements-run.lock from pyproject.toml
	$(BIN)/pip install --quiet uv
	$(BIN)/$(COMPILE) --upgrade --extra dev pyproject.toml -o requirements.lock
	$(BIN)/$(COMPILE) --constraint requirements.lock --extra build pyproject.toml -o requirements-run.lock

.PHONY: help setup run test check fix chaos chaos-slack bench bench-budgets isolation recall lock
