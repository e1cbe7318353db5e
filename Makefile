# Two commands for users: `make demo` and `make test`. Each builds its own private environment in .venv.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
DEMO_DIR ?= demo-output
TESTS ?= Testing/Python

.PHONY: demo test test-library test-slicer lint types format clean help bench-finder bench-real bench-phantom bench-import bench-deidentify bench-read bench-read-many bench-panel bench-faults bench-supervision

help:
	@echo "make demo   try RSuper on a made-up patient (results in $(DEMO_DIR)/)"
	@echo "make test   run every test"
	@echo "make format put the code in the project's style"
	@echo "make bench-finder, bench-real, bench-phantom, bench-import, bench-deidentify, bench-read-many, bench-panel   measure the claims again (Docs/results)"

demo: $(VENV)/.core
	$(BIN)/rsuper demo --out $(DEMO_DIR)

test: test-library test-slicer

test-library: lint types
	$(BIN)/python -m pytest -n auto --ignore=Testing/Python/host $(TESTS)

# The module on the real slicer-core, without the application; one Slicer a process, so these run in a process of their own.
test-slicer: $(VENV)/.dev
	$(BIN)/python -m pytest Testing/Python/host

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/.dev
	$(BIN)/mypy

format: $(VENV)/.dev
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "RSuper needs Python 3.11 or later: make PYTHON=/path/to/python3.12 …"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.core: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable .
	@touch $@

$(VENV)/.dev: pyproject.toml constraints.txt | $(BIN)/python
	$(PIP) install --quiet --constraint constraints.txt --editable ".[dev,slicer]"
	@touch $@ $(VENV)/.core

bench-finder bench-phantom bench-import bench-deidentify bench-read-many: bench-%: $(VENV)/.core
	$(BIN)/rsuper bench $* --out Docs/results/$*.json

# Needs RSUPER_DATA; the pictures go to the folder named by RSUPER_BENCH_PICTURES.
bench-real: $(VENV)/.core
	$(BIN)/rsuper bench real --out Docs/results/real.json

# The reader against the made-up reports of the tests and, where RSUPER_DATA is set, against real ones.
bench-read: $(VENV)/.core
	$(BIN)/rsuper bench read Testing/Python/reports/made_up --out Docs/results/read-made-up.json
	@if [ -n "$$RSUPER_DATA" ]; then $(BIN)/rsuper bench read --out Docs/results/read.json; fi

# How long the panel keeps Slicer waiting, on the real slicer-core.
bench-panel: $(VENV)/.dev
	$(BIN)/python -m Testing.Host.bench_panel --json --out Docs/results/panel.json

# Hours: every unit of arm and seed that Docs/results/supervision does not hold yet; stop it and go on as you like.
bench-supervision: $(VENV)/.core
	$(BIN)/rsuper bench supervision

# Kill the trainer 20 times at random moments; the tests do it 3 times.
bench-faults: $(VENV)/.dev
	RSUPER_KILLS=20 $(BIN)/python -m pytest -q Testing/Python/test_training_faults.py

clean:
	rm -rf $(VENV) $(DEMO_DIR) .mypy_cache .ruff_cache .pytest_cache
