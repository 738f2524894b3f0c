# Every command a newcomer or a contributor needs. Each one sets up what it needs first.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
STAMP  := $(VENV)/.installed
PEERS  := $(VENV)/.bench-installed
SITE   := $(VENV)/.docs-installed

.PHONY: setup demo test test-all check docs bench format schemas phantom-encoders clean help

help:            ## list the targets
	@grep -hE '^[a-z-]+: .*##' $(MAKEFILE_LIST) | awk -F':.*## ' '{printf "  make %-18s %s\n", $$1, $$2}'

setup: $(STAMP)  ## make .venv with relinkage and everything the tests need

$(STAMP): pyproject.toml constraints.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	  --constraint constraints.txt --editable '.[dev]'
	@# Bytecode on all cores; pip would take one. What is left out is for other versions of Python.
	@$(BIN)/python -m compileall -q -j 0 $(VENV)/lib src >$(VENV)/compileall.log 2>&1 || true
	@touch $(STAMP)

demo: $(STAMP)   ## the whole story on a phantom cohort, nothing to download
	$(BIN)/relinkage demo --out runs/demo

test: $(STAMP)   ## the quick tests: every module, in under five minutes on two cores, set-up and all
	$(BIN)/python -m pytest -n auto --dist worksteal -m "not slow"

test-all: $(STAMP) ## the rest of the tests: those that `make test` leaves out, and no other
	$(BIN)/python -m pytest -n auto --dist worksteal -m slow

check: $(STAMP) docs ## linter, formatter, types, and the documentation site without a broken link
	$(BIN)/ruff check src tests bench mkdocs_hooks.py
	$(BIN)/ruff format --check src tests bench mkdocs_hooks.py
	$(BIN)/mypy

docs: $(SITE)    ## build the documentation site: site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet

$(SITE): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	  --constraint constraints.txt --editable '.[dev,docs]'
	@touch $(SITE)

format: $(STAMP) ## rewrite the code the way `make check` wants it
	$(BIN)/ruff format src tests bench mkdocs_hooks.py
	$(BIN)/ruff check --fix src tests bench mkdocs_hooks.py

bench: $(PEERS)  ## measure all of it beside the bare product and beside what people use: docs/benchmarks.md
	$(BIN)/python -m bench

$(PEERS): $(STAMP)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-compile \
	  --constraint constraints.txt --editable '.[dev,bench]'
	@touch $(PEERS)

schemas: $(STAMP) ## write docs/schemas again, the JSON Schema of every kind of file
	$(BIN)/relinkage schema --out docs/schemas

phantom-encoders: $(STAMP) ## train the three shipped phantom encoders again
	$(BIN)/python -m relinkage.encoders.phantom_training

clean:           ## remove what the targets above made
	rm -rf $(VENV) runs site
