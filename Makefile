# Everything starts here. `make run` shows the service with a worked example; `make test` proves it.

PORT ?= 8000
RUN_FOLDER ?= var/example

PYTHON_OF_VENV := .venv/bin/python
ASSETS := node_modules/.laid-out
COMPILE := uv pip compile --quiet --generate-hashes --universal --no-header --no-annotate
# Programs of others that the log and the witness are tested against, in an environment of their own.
PEERS := aics-tlog==0.2.1 aics-witness==0.1.0
COMPILE_PEERS := uv pip compile --quiet --generate-hashes --python-version 3.12 --no-header --no-annotate

export NPM_CONFIG_UPDATE_NOTIFIER := false
# A network with a certificate authority of its own has told the machine about it, not npm.
export NODE_USE_SYSTEM_CA := 1

.DEFAULT_GOAL := help
.PHONY: help run test check bench lock assets clean system-parts peers
.DELETE_ON_ERROR:

help:
	@echo 'make run     show the service with a worked example on http://127.0.0.1:$(PORT) (PORT=... changes it)'
	@echo 'make test    install what the tests need and run all of them'
	@echo 'make check   format, lint, types and import contracts only'
	@echo 'make bench   measure upload, download and log'
	@echo 'make lock    pin the newest fitting dependencies (LOCK_OPTIONS=--upgrade for the newest of all)'
	@echo 'make clean   remove the environment, the assets and the worked example'

# --- what people ask for -----------------------------------------------------------------------------------------

run: .venv/.installed-run $(ASSETS)
	@exec env EXCHANGE_EXAMPLE=1 EXCHANGE_DATA_FOLDER='$(abspath $(RUN_FOLDER))' \
	    EXCHANGE_BIND='127.0.0.1:$(PORT)' EXCHANGE_PUBLIC_URL='http://127.0.0.1:$(PORT)' \
	    $(PYTHON_OF_VENV) -m exchange.first_run

test: check system-parts peers $(ASSETS)
	$(PYTHON_OF_VENV) -m pytest -n 2

check: .venv/.installed-test
	$(PYTHON_OF_VENV) -m ruff format --check .
	$(PYTHON_OF_VENV) -m ruff check .
	$(PYTHON_OF_VENV) -m mypy
	.venv/bin/lint-imports

bench: .venv/.installed-test $(ASSETS)
	$(PYTHON_OF_VENV) -m bench

clean:
	rm -rf .venv .venv-peers node_modules exchange/static/vendor var/example .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- what these need ---------------------------------------------------------------------------------------------

.venv/.installed-run: requirements.lock
	@tools/make_environment.sh requirements.lock
	@touch $@

# The lock of the tests holds everything that the service needs, in the same versions.
.venv/.installed-test: requirements-test.lock
	@tools/make_environment.sh requirements-test.lock
	@touch $@ .venv/.installed-run

# A machine without npm gets one from a wheel, pinned in a lock of its own since nobody else needs its 200 MB.
$(ASSETS): package-lock.json tools/assets.py | .venv/.installed-run
	@command -v npm >/dev/null || tools/make_environment.sh requirements-node.lock
	@echo 'Preparing style sheets, scripts and images.'
	@$(PYTHON_OF_VENV) tools/assets.py
	@touch $@

assets: $(ASSETS)

system-parts:
	@tools/require_system_parts.sh

peers: .venv/.installed-test
	@tools/make_peer_environment.sh

lock: .venv/.installed-test
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(COMPILE) $(LOCK_OPTIONS) pyproject.toml -o requirements.lock
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(COMPILE) $(LOCK_OPTIONS) --group test --group setup -c requirements.lock pyproject.toml -o requirements-test.lock
	PATH="$(CURDIR)/.venv/bin:$$PATH" $(COMPILE) $(LOCK_OPTIONS) --group setup -c requirements-test.lock -o requirements-node.lock
	printf '%s\n' $(PEERS) | PATH="$(CURDIR)/.venv/bin:$$PATH" $(COMPILE_PEERS) $(LOCK_OPTIONS) - -o requirements-peers.lock
