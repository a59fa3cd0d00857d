# Everything one does with baregrad. Needs Python 3.11 or newer and make; each target installs what it needs into .venv
# first, once. With BIN=/some/venv/bin on the command line nothing is installed and the tools there are used.

PYTHON ?= $(shell for python in python3.11 python3 python3.12 python3.13 python3.14; do \
    command -v $$python >/dev/null && $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' && \
    echo $$python && break; done)
JOBS ?= 2
ARGS ?=

ifeq ($(origin BIN), undefined)
BIN := .venv/bin
INSTALLED = .venv/with-$(1)
endif
RUN := $(BIN)/python
PYTEST := $(RUN) -m pytest -q -p no:cacheprovider

.PHONY: help demo test check lint bench compare fuzz slow warm wheel clean
.DEFAULT_GOAL := help

help:  ## this list
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 16

demo: $(call INSTALLED,demo)  ## train on handwritten digits, and show every level down to machine code
	$(RUN) -m baregrad demo $(ARGS)

test: $(call INSTALLED,dev)  ## the tests (about a minute)
	$(PYTEST) -n $(JOBS) --dist worksteal --durations 10 $(ARGS)

check: lint  ## what every commit passes: format, lint, floors, types, layout, smoke tests
	$(PYTEST) tests/docs/test_layout.py
	$(PYTEST) -m smoke; status=$$?; [ $$status = 5 ] || exit $$status

lint: $(call INSTALLED,dev)  ## format, lint, floors, types
	$(BIN)/ruff format --check --quiet .
	$(BIN)/ruff check --quiet .
	$(BIN)/lint-imports --no-cache
	$(RUN) -m mypy

bench: $(call INSTALLED,bench)  ## measure against PyTorch on this machine (downloads it, once)
	$(RUN) -m bench $(ARGS)

compare: $(call INSTALLED,compare)  ## every operation and the models against PyTorch (downloads it, once)
	$(PYTEST) -n $(JOBS) -m compare $(ARGS)

fuzz: $(call INSTALLED,dev)  ## the long random runs; ARGS="--seed 7" for other ones
	$(PYTEST) -n $(JOBS) -m fuzz $(ARGS)

slow: $(call INSTALLED,dev)  ## the tests that take long, or a C compiler
	$(PYTEST) -n $(JOBS) -m "slow or cc" $(ARGS)

warm: $(call INSTALLED,demo)  ## compile the emulator's templates, which wheels have (some minutes)
	$(RUN) tools/warm_templates.py --jobs $(JOBS) $(ARGS)

wheel: warm  ## build a wheel in dist, with the compiled templates in it
	rm -rf build
	$(RUN) -m pip wheel --quiet --disable-pip-version-check --no-deps --wheel-dir dist .

clean:  ## remove caches and .venv
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis build dist *.egg-info
	rm -rf baregrad/engine/emulate/warm
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# One environment for all; each stamp file says which extra is in it.
.venv/bin/python:
	@[ -n "$(PYTHON)" ] || { echo "baregrad needs Python 3.11 or newer: install it, or say make PYTHON=..."; exit 1; }
	$(PYTHON) -m venv .venv

.venv/with-%: pyproject.toml | .venv/bin/python
	.venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

# PyTorch for the CPU, from its own index: what others offer has gigabytes for other devices in it.
.venv/with-compare: pyproject.toml .venv/with-dev
	@.venv/bin/python -m pip install --quiet --disable-pip-version-check --retries 1 \
	    --extra-index-url https://download.pytorch.org/whl/cpu --editable '.[compare]' || \
	    { echo "make compare: PyTorch could not be installed (no network?), so nothing was compared"; exit 1; }
	@touch $@
