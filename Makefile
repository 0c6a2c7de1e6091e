# make run, make test, make check: see README.md. Each brings what it needs.

SHELL := /bin/bash
PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11 python3.14 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1 && echo $$p && break; done)
BIN := .venv/bin

.PHONY: run setup test check bench lock

run: .venv/ready .env
	$(BIN)/flask db upgrade
	$(BIN)/gunicorn 'app:create_app()'

setup: .venv/ready-to-develop

test: .venv/ready-to-develop
	$(BIN)/python -m tests.browser.get_browser
	$(BIN)/python -m tests.get_servers
	$(BIN)/pytest -n auto --dist worksteal

check: .venv/ready-to-develop
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/djlint --quiet --lint templates
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --quiet --builtin-schema vendor.compose-spec docker-compose.yml compose.https.yml
	$(BIN)/bandit --quiet -c pyproject.toml -r *.py models schemas services forms routes examples deploy
	git ls-files -z | xargs -0 $(BIN)/detect-secrets-hook $(SECRETS) --disable-plugin KeywordDetector
	git ls-files -z ':!tests' | xargs -0 $(BIN)/detect-secrets-hook $(SECRETS)

# Ids look random and are no secrets; in the tests, neither are passwords.
SECRETS := --disable-plugin Base64HighEntropyString --disable-plugin HexHighEntropyString \
	--exclude-lines '://[a-z]+:pass[a-zF%0-9]*word@'

bench: .venv/ready-to-develop
	$(BIN)/python -m bench.imports --rows 100000 --sqlite-rows 20000 --rounds 1
	$(BIN)/python -m bench.captures

# Pins what requirements.in and requirements-dev.in ask for, with hashes, for every platform.
lock: .venv/ready-to-develop
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements.in -o requirements.txt
	$(BIN)/uv pip compile --quiet --upgrade --universal --python-version 3.11 --generate-hashes \
		--custom-compile-command "make lock" requirements-dev.in -o requirements-dev.txt

.venv/ready: requirements.txt
	@test -n "$(PYTHON)" || { echo "Tillbook needs Python 3.11 or newer with its venv module (Debian: apt-get install python3-venv)."; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

.venv/ready-to-develop: .venv/ready requirements-dev.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	touch $@

.env:
	umask 077 && printf 'ENVIRONMENT=development\nDATABASE_URL=sqlite:///tillbook.db\nSECRET_KEY=%s\n' \
		"$$($(BIN)/python -c 'import secrets; print(secrets.token_hex(32))')" > .env.new && mv .env.new .env
