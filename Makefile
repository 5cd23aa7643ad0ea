# Two commands: `make demo` shows Plimsoll at work, `make test` proves it. Both set up .venv first.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
PIP_VERSION := 26.3
BIN := .venv/bin
DEMO := demo-company
export PIP_DISABLE_PIP_VERSION_CHECK := 1

.PHONY: demo test lint fix docs clean help

help:  ## Show these targets
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/:/'

demo: .venv/run  ## Set up, build the demo company, plan it, print the summary
	rm -rf $(DEMO)
	$(BIN)/plimsoll demo $(DEMO)
	$(BIN)/plimsoll plan $(DEMO) --report
	@echo "Work with it in your browser: $(BIN)/plimsoll serve $(DEMO)"
	@echo "Next, the proof on the past (some minutes): $(BIN)/plimsoll replay $(DEMO)"

test: lint .venv/browser  ## Set up, check style, types and import rules, run every test
	$(BIN)/pytest -n 2 --dist worksteal

lint: .venv/test  ## Style, types and import rules only
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fix: .venv/test  ## Mend style
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

docs: .venv/run  ## Write the reference pages again from the code
	$(BIN)/python docs/make_reference.py

.venv/python:
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Plimsoll needs Python 3.11 or newer")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet pip==$(PIP_VERSION)
	touch $@

.venv/run: .venv/python pyproject.toml constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt -e .
	touch $@

.venv/test: .venv/run pyproject.toml constraints.txt
	$(BIN)/pip install --quiet -c constraints.txt --group test
	touch $@

# The browser tests drive the system's Chromium; without one, and no right to install it, they skip and say so.
.venv/browser: .venv/python
	@command -v chromium chromium-browser google-chrome >/dev/null \
	  || { [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } \
	  || echo "No Chromium here: the browser tests will be skipped."
	touch $@

clean:  ## Remove the set-up and the demo company
	rm -rf .venv $(DEMO)
