# One door for contributors: make dev, make check. PYTHON may name the interpreter of an environment.
PYTHON ?= python

.PHONY: dev check lint types imports test wheel benchmark

dev:            ## install for development, and the link that mypy follows
	mkdir -p .links && ln -sfn .. .links/slm_audit
	$(PYTHON) -m pip install -c constraints.txt -e '.[dev]'

check: lint types imports test wheel

lint:
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .

types:
	mkdir -p .links && ln -sfn .. .links/slm_audit
	$(PYTHON) -m mypy

imports:
	PYTHONPATH=.links $(PYTHON) -c "from importlinter.cli import lint_imports_command as run; run()"

test:
	$(PYTHON) -m pytest

wheel:          ## the built wheel, installed elsewhere, audits from outside the checkout
	PYTHON=$(PYTHON) sh tests/wheel.sh

PEERS ?= .peers
OWN = $(PEERS)/own/bin/python
benchmark:      ## this engine, as users install it, against lm_eval, generate, and llama.cpp if it is on the PATH; ARGS="--repeat 5"
	$(PEERS)/bin/python -c 'import gguf' 2> /dev/null || ($(PYTHON) -m venv $(PEERS) && $(PEERS)/bin/python -m pip install -q "$$(grep ^torch== constraints.txt)" 'lm_eval[hf]' gguf)
	test -x $(OWN) || ($(PYTHON) -m venv $(PEERS)/own && $(OWN) -m pip install -q -c constraints.txt .)
	$(OWN) -m pip install -q --no-deps --force-reinstall .
	$(OWN) tests/performance/benchmark.py --peers $(PEERS)/bin/python --models $(PEERS)/models $(ARGS)
