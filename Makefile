# Needs Python 3.11 or newer and nothing else. `make run`, then open the address it ends with.

PYTHON ?= python3
BIN := .venv/bin
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install --require-hashes
COMPILE := $(BIN)/uv pip compile --quiet --no-emit-index-url --no-emit-find-links --generate-hashes --custom-compile-command "make lock"
UNIVERSAL := $(COMPILE) --universal --python-version 3.11 --no-annotate

.DEFAULT_GOAL := help
.PHONY: help run test sequences lint lock bench eval demo clean reset

help:
	@echo "make run    start MemoryChat        make test   run the tests         make lint   check style, types, layers"
	@echo "make demo   load sample people      make bench  measure               make lock   pin the requirements anew"
	@echo "make eval   measure what is remembered of a golden set (ARGS=... as manage.py evaluate_memory --help says)"
	@echo "make sequences  write and undo in thousands of orders, and look that the ledger tells it all (SEQUENCES=2000)"
	@echo "make clean  delete what was built   make reset  delete the data"

run: .venv/.installed
	@exec $(BIN)/python -m memorychat.lib.launcher run

test: .venv/.installed-dev
	@$(BIN)/python -m pytest -m "not browser" --cov --cov-report= --cov-fail-under=0
	@$(BIN)/python -m pytest -m browser --cov --cov-append

sequences: .venv/.installed-dev
	@SEQUENCES=$(or $(SEQUENCES),2000) $(BIN)/python -m pytest memories/tests/test_sequences.py

lint: .venv/.installed-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy .
	$(BIN)/python -m pytest -q memorychat/tests/test_layers.py
	$(BIN)/python manage.py makemigrations --check --dry-run
	PUBLIC_URL=https://memorychat.example DEBUG=0 $(BIN)/python manage.py check --deploy --fail-level WARNING

lock: .venv/.installed-dev
	$(UNIVERSAL) requirements.in --output-file requirements.txt
	$(UNIVERSAL) requirements-dev.in --output-file requirements-dev.txt
	$(COMPILE) --no-deps requirements-embedder.in --output-file requirements-embedder.txt

bench: .venv/.installed-dev
	@$(BIN)/python manage.py bench

eval: .venv/.installed
	@$(BIN)/python manage.py prepare
	@LOG_LEVEL=ERROR $(BIN)/python manage.py evaluate_memory $(ARGS)

demo: .venv/.installed
	@$(BIN)/python manage.py prepare
	@LOG_LEVEL=WARNING $(BIN)/python manage.py load_demo

clean:
	rm -rf .venv .static .coverage .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

reset: .venv/.installed
	@$(BIN)/python -m memorychat.lib.launcher reset

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "MemoryChat needs Python 3.11 or newer; name yours with make PYTHON=..."; exit 2; }
	@$(PYTHON) -m venv .venv
	@echo "environment   made in .venv"

.venv/.installed: requirements.txt requirements-embedder.txt | .venv/bin/python
	@$(PIP) -r requirements.txt
	@$(PIP) --no-deps -r requirements-embedder.txt
	@echo "dependencies  installed"
	@touch $@

.venv/.installed-dev: requirements-dev.txt .venv/.installed
	@$(PIP) -r requirements-dev.txt
	@touch $@
