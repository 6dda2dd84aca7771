# make demo: build the bundled sample. make test: run the tests. Both set everything up by themselves.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
OUT ?= out/multiinstruct-it

.PHONY: demo test lint benchmark clean

demo: $(VENV)/installed
	$(BIN)/python builders/multiinstruct_it.py --output $(OUT)

test: $(VENV)/installed-dev lint
	$(BIN)/python -m pytest

lint: $(VENV)/installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

benchmark: $(VENV)/installed-dev
	$(BIN)/python benchmarks/overhead.py
	$(BIN)/python benchmarks/batching.py

# An environment is made once, and again when what it is made from changes.
$(VENV)/installed: pyproject.toml .ci/constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) out
