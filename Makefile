# make demo    an environment of its own, then the whole path on bundled films
# make test    the same environment with the developers' tools: style, types and all tests
#
# Variables: PYTHON (the interpreter that makes the environment), VENV (where the environment lies),
# PIP_ARGS (more arguments for pip, for instance an index of CPU builds of torch), WORKERS (of pytest).

PYTHON   ?= $(shell command -v python3.11 || command -v python3)
VENV     ?= .venv
PIP_ARGS ?=
WORKERS  ?= 2

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip
export PIP_DISABLE_PIP_VERSION_CHECK = 1

.DEFAULT_GOAL := help
.PHONY: help demo test lint format wheel clean

help:
	@sed -n 's/^# \{0,1\}//p' Makefile | head -n 5

# pip is the last thing that venv makes, so a half-made environment is made again.
$(BIN)/pip:
	@test -n "$(PYTHON)" || { echo "error: no python3 found; name one by PYTHON=/path/to/python3.11" >&2; exit 1; }
	@"$(PYTHON)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "error: $(PYTHON) does not run or is older than 3.11; name another by PYTHON=..." >&2; exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"

# A stamp carries the time of its installation, which runs again when what it installs has changed.
$(VENV)/.installed: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing into $(VENV) (torch and its companions are large; this happens once)"
	$(PIP) install --quiet $(PIP_ARGS) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(BIN)/pip
	@echo "Installing into $(VENV) (torch and its companions are large; this happens once)"
	$(PIP) install --quiet $(PIP_ARGS) -c constraints.txt -e ".[dev]"
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed
	$(BIN)/guided-store demo

lint: $(VENV)/.installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# Each worker of pytest gets one thread: two cores, two workers, no more threads than cores.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(WORKERS)

format: $(VENV)/.installed-dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

wheel: $(VENV)/.installed-dev
	$(BIN)/python -m build --wheel

clean:
	rm -rf build dist *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find cli guided_store indexes tests -name __pycache__ -type d -prune -exec rm -rf {} +
