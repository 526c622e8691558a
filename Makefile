# Everything a person or the CI runs; `make` alone lists it.
PYTHON ?= python3
PORT ?= 8080
DOSSIER ?= var/demo
ANTIVIRUS ?= complet
NOM ?=
ESSAIS ?=
BIN := .venv/bin
PYTHON_CODE := chassis services passerelle deploy tests bench

.DEFAULT_GOAL := help
.PHONY: help demo test parcours bench chaos lint protos install install-tests clean

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

demo: install ## start the whole suite with sample data, in front (PORT=8080, DOSSIER=var/demo, ANTIVIRUS=local)
	@exec $(BIN)/python -m deploy.demo --port '$(PORT)' --dossier '$(DOSSIER)' --antivirus '$(ANTIVIRUS)'

test: install-tests ## run all tests (ESSAIS='tests/unit -k carte')
	@$(BIN)/pytest -n 2 --dist loadgroup $(ESSAIS)

parcours: ## play the main journeys against a running demo (PORT=8080)
	@$(BIN)/python -m tests.e2e.parcours --port '$(PORT)' --dossier '$(DOSSIER)'

bench: install ## measure and compare (NOM=passe for one figure)
	@$(BIN)/python -m bench $(NOM)

chaos: install-tests ## play the fault matrix
	@$(BIN)/python -m tests.chaos

lint: install ## ruff, mypy, import rules, contracts
	@$(BIN)/ruff check . && $(BIN)/ruff format --check . && $(BIN)/mypy $(PYTHON_CODE) && $(BIN)/lint-imports
	@cd protos && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code
	@$(BIN)/python -m deploy.breaking

protos: install ## build the contracts' Python code again
	@PATH="$(CURDIR)/$(BIN):$$PATH" $(BIN)/python protos/generate.py

install: ## install everything into this folder
	@$(PYTHON) -m deploy.install

install-tests:
	@$(PYTHON) -m deploy.install --navigateur

clean: ## remove what was installed and built; the data of var/ stay
	rm -rf .venv .outils node_modules protos/gen passerelle/static .mypy_cache .ruff_cache .pytest_cache .hypothesis
