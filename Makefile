.DEFAULT_GOAL := help
.PHONY: help demo test check format bench lock image

PYTHON ?= python3
BIN := .venv/bin
INSTALLED := .venv/.installed

help: ## List the targets
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 10

demo: $(INSTALLED) ## Simulator, login, proxy and a real OpenAI client, in this terminal
	@$(BIN)/cwproxy demo

test: check ## Everything: check, then all tests with coverage
	@$(BIN)/python -m tests.run

check: $(INSTALLED) ## Format, lint, types, import contracts, size limits
	@$(BIN)/ruff format --check --quiet .
	@$(BIN)/ruff check --quiet .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --config pyproject.toml --no-cache | tail -n 3
	@$(BIN)/python -m pytest -q -p no:cacheprovider tests/test_repository.py

format: $(INSTALLED) ## Rewrite the sources in the project's format
	@$(BIN)/ruff format --quiet .
	@$(BIN)/ruff check --quiet --fix .

bench: $(INSTALLED) ## Print the figures of merit, as ratios of one interleaved run
	@$(BIN)/python -m bench

lock: $(INSTALLED) ## Resolve the lock files anew
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url \
		--group build pyproject.toml -o requirements.lock --upgrade
	@$(BIN)/uv pip compile --quiet --universal --generate-hashes --python-version 3.11 --no-header --no-emit-index-url \
		--group build --group dev pyproject.toml -o requirements-dev.lock --upgrade

image: ## Build the container image (needs docker; podman and buildah understand the same file)
	@docker build -t cwproxy .

$(INSTALLED): requirements-dev.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "cwproxy needs Python 3.11 or newer; $(PYTHON) is older. Name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "This Python has no venv module. On Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	@echo "Installing into .venv (once) ..."
	@$(PYTHON) -m venv --clear .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-build-isolation --no-deps -e .
	@touch $@
