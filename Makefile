# Every entry point of the project. `make` prints them.
PYTHON ?= python3
BIN := .venv/bin
PACKAGES := core openai langchain llama-index fastapi httpx server
UI := packages/server/ui
PAGE := packages/server/src/trailmark_server/_ui/index.html
SOURCES := $(PACKAGES:%=packages/%/src)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-slow check lint types layers fix ui-types bench bench-openai bench-frameworks bench-web bench-server bench-local bench-ui test-alone test-oldest ui build lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/ready .venv/has-$(words $(PACKAGES)) $(PAGE) ## virtual environment and page, once; again when what they are made of changed

.venv/ready: constraints.txt requirements-dev.txt $(PACKAGES:%=packages/%/pyproject.toml)
	@$(PYTHON) -c 'import sys; sys.exit("trailmark needs Python 3.11 or later, this is " + sys.version) if sys.version_info < (3, 11) else 0'
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet --disable-pip-version-check -c constraints.txt -r requirements-dev.txt $(PACKAGES:%=-e packages/%)
	@touch $@

.venv/has-$(words $(PACKAGES)): | .venv/ready  # a package that came since
	@$(BIN)/python -c 'import sys, importlib.util as u; sys.exit(not all(map(u.find_spec, sys.argv[1:])))' \
	  $(subst -,_,$(patsubst %,trailmark_%,$(filter-out core,$(PACKAGES)))) 2>/dev/null \
	  || $(BIN)/pip install --quiet --disable-pip-version-check --no-deps $(PACKAGES:%=-e packages/%)
	@touch $@

$(PAGE): $(shell find $(UI) -type f -not -path '*/node_modules/*' 2>/dev/null)
	@if ! command -v npm >/dev/null; then \
	  echo "Node is not installed: the page is left out, everything else works (Node 20 or later, then: make ui)"; \
	elif ! $(MAKE) --no-print-directory ui; then \
	  echo "The page could not be built: it is left out, everything else works (npm's reason is above; again: make ui)"; fi

ui: ## build the page into the server package (Node 20 or later)
	cd $(UI) && npm ci --no-audit --no-fund --silent && npm run --silent build

ui-types: setup ## the page's types from the server's routes (needs the npm registry)
	$(BIN)/python scripts/ui_types.py

demo: setup ## trace the tour, print its traces, show them in the browser
	@$(BIN)/python scripts/demo.py

test: setup ## all tests, a file at a time, three at once (they wait for servers and browsers half of the time)
	$(BIN)/python -m pytest -n 3 --dist loadfile

test-slow: setup ## the long suites: crash rounds, fuzzing, oldest versions
	$(BIN)/python -m pytest -m slow

check: lint types layers test ## everything that must be green

lint: setup ## ruff, and the page's own checks
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	@if command -v npm >/dev/null; then cd $(UI) && npm run --silent check && npm run --silent test; fi

types: setup ## mypy --strict
	$(BIN)/mypy $(SOURCES) scripts benchmarks

layers: setup ## import layers of every package
	$(BIN)/lint-imports

fix: setup ## format, and mend what can be mended
	$(BIN)/ruff check --fix . ; $(BIN)/ruff format .

bench: setup ## hot-path figures beside a bare OpenTelemetry span, in the same run
	$(BIN)/python benchmarks/hot_path.py
	$(BIN)/python benchmarks/delivery.py

bench-openai: setup ## OpenAI calls and streams beside opik, langfuse and openinference (makes an environment for them)
	$(BIN)/python benchmarks/openai_calls.py

bench-frameworks: setup ## LangChain chains and LlamaIndex queries beside their other tracers (makes environments for them)
	$(BIN)/python benchmarks/frameworks.py

bench-ui: setup ## times of the page in Chromium, beside their budgets
	cd tests && ../$(BIN)/python -m end_to_end.bench_page

bench-web: setup ## CPU of a server with a trace per request, beside OpenTelemetry's (makes an environment for it)
	$(BIN)/python benchmarks/web.py

bench-local: setup ## how soon what a program recorded can be read without a URL
	$(BIN)/python benchmarks/local_ingest.py

bench-server: setup ## the server: spans a second, pages of a store of SPANS=100000, memory
	$(BIN)/python benchmarks/server.py --spans $(or $(SPANS),100000)

test-alone: ## one package's tests with nothing else installed: make test-alone PKG=core
	$(PYTHON) scripts/test_package.py $(PKG)

test-oldest: ## one package's tests with the oldest dependencies it allows: make test-oldest PKG=openai
	$(PYTHON) scripts/test_package.py $(PKG) --oldest

build: setup ## wheels of all packages, in dist/
	$(BIN)/pip wheel --quiet --no-deps --wheel-dir dist $(PACKAGES:%=./packages/%)

lock: ## resolve constraints.txt anew
	$(PYTHON) scripts/lock.py $(PACKAGES)

clean: ## remove what was made here
	rm -rf .venv dist $(UI)/node_modules packages/server/src/trailmark_server/_ui
