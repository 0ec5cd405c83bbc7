# Every target does its own set-up. `make` alone lists them.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
WORKERS ?= 2
MINUTES ?= 30
export OMP_NUM_THREADS ?= 1
unexport PYTHONDONTWRITEBYTECODE # some containers set it; a hundred processes of the tests would each compile all modules anew

.DEFAULT_GOAL := help
.PHONY: help demo test test-slow fuzz mutants bench study docs audit pages notebooks release lint clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sort | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

demo: $(VENV)/.stamp-demo ## train, quantise, export, run and verify two spiking networks (a few minutes)
	$(BIN)/snn2hw demo $(ARGS)

# Lint takes one core for half a minute: beside the tests it is free. Its output comes last, and either of them fails the target.
# A worker keeps to a file, so what the file makes once is made once.
# Half the time to compile; test-slow has the product's own flags.
test: export SNN2HW_CFLAGS ?= -O1
test: export SNN2HW_CXXFLAGS ?= -O0
test: $(VENV)/.stamp-dev ## lint, types, import contract and all tests but the slow ones
	@said=$$(mktemp); trap 'kill $$lint 2>/dev/null; rm -f "$$said"' EXIT; trap 'exit 130' INT TERM; \
	$(MAKE) --no-print-directory lint >"$$said" 2>&1 & lint=$$!; \
	$(PYTEST) -n $(WORKERS) --dist worksteal -m "not slow"; tests=$$?; \
	wait $$lint; linted=$$?; cat "$$said"; test $$tests -eq 0 && test $$linted -eq 0

test-slow: $(VENV)/.stamp-dev lint ## everything, with the long sweeps, and the core on every Python from 3.10 to 3.13 here
	$(PYTEST) -n $(WORKERS)

fuzz: $(VENV)/.stamp-dev ## damaged inputs for every reader, MINUTES=30 long, with a table; ARGS="--readers npy,npz" for some
	$(BIN)/python -m tests.fuzz --minutes $(MINUTES) $(ARGS)

mutants: $(VENV)/.stamp-dev ## put small faults into PACKAGE=snn2hw/num or what changed SINCE=commit; print those that no test notices
	$(BIN)/python -m tests.mutation $(PACKAGE) $(if $(SINCE),--since $(SINCE)) $(ARGS)

bench: $(VENV)/.stamp-demo ## measure everything in one run and write docs/explanation/performance.md (a quarter of an hour)
	$(BIN)/python -m bench.run $(ARGS)

study: $(VENV)/.stamp-demo ## train every kind of neuron on every task and write its part of docs/explanation/study.md (long; goes on where it was stopped)
	$(BIN)/python -m bench.study.run $(ARGS)

docs: export NO_MKDOCS_2_WARNING = 1
docs: $(VENV)/.stamp-docs ## build the site of docs/ into build/site, offline; a warning or a dead link is an error
	$(BIN)/python -m mkdocs build --clean

pages: $(VENV)/.stamp-dev ## follow every page of docs/ and the README, and write what is printed where it is another now (long)
	@for page in README.md $$(grep -rl '^```text' docs); do folder=$$(mktemp -d); \
	for part in docs models examples constraints.txt; do ln -s "$(CURDIR)/$$part" $$folder/; done; \
	echo $$page; $(BIN)/python docsite/runner.py $$page $$folder --installed --update || exit 1; rm -rf $$folder; done

notebooks: $(VENV)/.stamp-docs ## write the tutorials as notebooks into build/notebooks
	$(BIN)/python -m docsite.notebooks

release: $(VENV)/.stamp-dev ## build wheel and source archive, check them, install them in clean environments, follow tutorial 1 there
	$(BIN)/python -m docsite.release $(ARGS)

audit: docs $(VENV)/.stamp-dev ## look at every page of the site in Chromium: axe, a phone's width, the search
	$(BIN)/python -m docsite.audit build/site

lint: $(VENV)/.stamp-dev ## ruff, mypy --strict, import contract
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

clean: ## remove everything the other targets made
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.stamp-demo: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo]'
	touch $@

$(VENV)/.stamp-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[demo,dev]'
	touch $@

$(VENV)/.stamp-docs: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[docs]'
	touch $@
