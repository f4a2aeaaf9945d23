# Everything below needs only git, make and Python 3.11 or newer with venv. `make lock` also needs uv.

PYTHON  ?= python3
PORT    ?= 8000
WORKERS ?= 4
ROWS    ?= 100000
LINES   ?= 5000
TRIALS  ?= 2000
TRIES   ?= 20000
HISTORIES ?= 3000
CASES   ?= 50000
EXAMPLES ?= 500
STEPS   ?= 40
# Of `make mutation`: a number of mutants or a share of them (1: all), and of which files. SEED draws them, and histories.
SAMPLE  ?= 600
SEED    ?= 1
FILES   ?=
ENGINE  ?= sqlite
LISTS   ?=
FILE    ?=
BROWSED ?=
RATE    ?=
ROUNDS  ?= 200
SIZES   ?= 1000 20000 100000
FLOOD   ?= build/flood
CONNECTIONS ?= 2000
SECONDS ?= 60
UV      ?= uv
# The pips that Python 3.11 and 3.12 brought, and the newest.
PIPS    ?= 23.0 23.2.1 24.0 newest

VENV := .venv
BIN  := $(VENV)/bin
# What looks through the project, and what is looked through: each in an environment of its own.
AUDIT := .audit
# What the benchmark of reading makes: registries, figures, and an environment for what it is laid beside.
READING := build/reading

# Nothing enters the environment unless its hash is in the lock; our own package is built by the setuptools of that lock.
PIP := $(BIN)/python -m pip --disable-pip-version-check
INSTALL := $(PIP) install --quiet --require-hashes -r
INSTALL_OURS := $(PIP) install --quiet --no-deps --no-build-isolation --editable .

LOCK := $(UV) pip compile --universal --python-version 3.11 --generate-hashes --no-strip-extras \
	--no-emit-index-url --no-emit-find-links --custom-compile-command "make lock" --quiet

# Tests make databases by the thousand and throw them away: in memory, where there are two gigabytes and programs may be
# run, none of them waits for a disk.
MEMORY = $(shell df -Pk /dev/shm 2> /dev/null | awk 'NR == 2 && $$4 > 2000000 { print $$6 }' | while read -r folder; do \
	tried=$$(mktemp -p $$folder) && cp /bin/true $$tried && chmod +x $$tried && $$tried && echo $$folder; rm $$tried; done)

# Bytecode is kept whatever the shell says, so that neither the next run nor a `recuento` that a test starts compiles
# the code again.
ONE    = env -u PYTHONDONTWRITEBYTECODE $(addprefix TMPDIR=,$(MEMORY)) $(BIN)/pytest
PYTEST = $(ONE) --numprocesses logical --maxprocesses $(WORKERS) --dist worksteal
COUNT := --cov --cov-report term
# The tests of `make campaign-ci`: of who may see what, of the numbers, and of what a kill or a full disk may not lose.
GUARDS := tests/test_two_registries.py tests/test_pairs.py tests/api/privacy tests/api/access tests/attack \
	tests/machine tests/trials tests/properties tests/demo tests/counts tests/test_migrations.py \
	tests/bench/test_drills.py tests/docs tests/cli/test_workers.py tests/api/load/test_load.py tests/api/routes/test_curation.py \
	tests/exports/count_files tests/test_reader.py tests/cli/test_metrics_port.py

.DEFAULT_GOAL := help
.PHONY: help demo test coverage quick browse screenshots campaign campaign-ci check try-install audit trials attack fuzz mutation second-model pairs machine drill-import drill-upload test-nginx drill-kill drill-disk drill-io drill-abuse flood crowd bench bench-full bench-pages bench-import bench-posts bench-lists bench-estimate bench-match bench-lookup bench-compare format openapi client-typescript lock clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1@\2/p' $(firstword $(MAKEFILE_LIST)) | awk -F@ '{printf "%-22s %s\n", $$1, $$2}'

demo: $(VENV)/.runtime ## Replay January 2026 and serve it on PORT (8000)
	$(BIN)/recuento demo --port $(PORT)

test: $(VENV)/.dev ## Run the quick suite: SQLite, and on PostgreSQL what differs there (WORKERS at most 4)
	$(PYTEST) -m "not campaign"

coverage: $(VENV)/.dev ## Run the tests whose lines are counted, with the gate of 95 % (tests/conftest.py says which)
	$(PYTEST) -m "not uncounted" $(COUNT)

quick: $(VENV)/.dev ## Run FILE (tests/…) on SQLite alone
	@test -n "$(FILE)" || { echo "Say which tests to run: make quick FILE=tests/test_dates.py" >&2; exit 1; }
	@$(ONE) -q -m "not postgresql" -p no:xdist -p no:cov $(FILE)

browse: $(VENV)/.dev ## Look at every page in every language and width with Chromium, axe and the Nu HTML checker (BROWSED=http://…)
	BROWSE=thoroughly $(addprefix BROWSED=,$(BROWSED)) $(ONE) -q -m "not postgresql" -p no:xdist -p no:cov tests/web/browser

screenshots: $(VENV)/.dev ## Write pictures of pages to docs/screenshots, of a demo that is made for it
	$(BIN)/python -m tests.web.browser.screenshots docs/screenshots

campaign: client-typescript second-model trials pairs machine ## Run every test on both engines, with far more examples, others each time (hours)
	HYPOTHESIS_PROFILE=long $(PYTEST)

# What a change must not break unseen, within 20 minutes on two cores. A drill that lacks root or a C compiler is skipped
# with its reason.
campaign-ci: $(VENV)/.dev ## Run the campaigns that guard privacy, numbers and durability on both engines, with bounded numbers
	HYPOTHESIS_PROFILE=usual $(PYTEST) -m "campaign or drawn" $(GUARDS)
	$(MAKE) second-model HISTORIES=150
	$(MAKE) trials TRIALS=150
	$(MAKE) pairs PAIRS=15
	$(MAKE) machine EXAMPLES=50 ENGINE=sqlite
	$(MAKE) machine EXAMPLES=25 ENGINE=postgresql

check: $(VENV)/.dev ## Check style, types, layers, dependencies and that both OpenAPI documents are current
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(PIP) check
	@$(BIN)/recuento openapi > $(VENV)/openapi.json
	@$(BIN)/recuento openapi --desk > $(VENV)/openapi-desk.json
	@for name in openapi.json openapi-desk.json; do \
		diff -u $$name $(VENV)/$$name || { echo "$$name is not current: run make openapi" >&2; exit 1; }; \
	done

second-model: $(VENV)/.dev ## Compare the app with the model of the counting rules over HISTORIES (3000), from SEED (1) on
	$(BIN)/python -m tests.model.compare --histories $(HISTORIES) --seed $(SEED)

try-install: ## Install both locks in clean environments with each of PIPS (23.0 23.2.1 24.0 newest)
	@for pip in $(PIPS); do \
		tried=$$(mktemp -d) && $(PYTHON) -m venv $$tried && python=$$tried/bin/python && \
		case $$pip in \
			newest) $$python -m pip --disable-pip-version-check install --quiet --upgrade pip;; \
			*) $$python -m pip --disable-pip-version-check install --quiet pip==$$pip;; \
		esac && \
		for lock in requirements.txt requirements-dev.txt; do \
			$$python -m pip --disable-pip-version-check install --quiet --require-hashes -r $$lock || exit 1; \
		done && $$python -m pip --disable-pip-version-check check && \
		echo "pip $$pip ($$($$python -m pip --version | cut -d' ' -f2)) installs both locks" && rm -r $$tried || \
		{ echo "pip $$pip does not install the locks" >&2; exit 1; }; \
	done

audit: $(AUDIT)/.tools $(AUDIT)/.runtime ## Look for known weaknesses, secrets and licences; write the SBOM; read the Dockerfile
	$(AUDIT)/tools/bin/python .ci/audit.py $(AUDIT)/tools/bin $(AUDIT)/runtime/bin/python

trials: $(VENV)/.dev ## Let a state and a stolen key try TRIALS (2000) times to move the numbers of others
	$(BIN)/python -m tests.trials.campaign --trials $(TRIALS)

pairs: $(VENV)/.dev ## Ask PAIRS (200) pairs of registries that differ in hidden values alone everything, for three readers
	$(BIN)/python -m tests.pairs --pairs $(or $(PAIRS),200)

machine: $(VENV)/.dev ## Lay a model of who is seen beside EXAMPLES (500) histories of STEPS (40), on ENGINE, from SEED (1) on
	$(BIN)/python -m tests.machine.campaign --histories $(EXAMPLES) --steps $(STEPS) --engine $(ENGINE) --seed $(SEED)

attack: $(VENV)/.dev ## Ask a real server TRIES (20000) times in turn about hidden and unknown people: what does a clock tell?
	$(BIN)/python -m tests.attack.timing --tries $(TRIES)

fuzz: $(VENV)/.dev ## Hold CASES (50000) answers of the app against its own document, under every role (ENGINE=postgresql)
	$(BIN)/python -m tests.fuzz.campaign --cases $(CASES) --engine $(ENGINE)

mutation: $(VENV)/.mutation ## Change the code in SAMPLE (600) places drawn with SEED (1), in FILES: which changes does no test see?
	$(BIN)/python .ci/mutation.py $(SAMPLE) $(SEED) $(FILES)

drill-import: $(VENV)/.dev ## Kill an import at 100 random points and resume it
	$(BIN)/python -c "from bench.drill_import import main; main()"

drill-upload: $(VENV)/.dev ## Send a list through a line that breaks (RATE=10000: as slow as in the field), killing both ends
	$(BIN)/python -c "from bench.drill_upload import main; main()" $(RATE)

test-nginx: $(VENV)/.dev ## Test deploy/nginx.conf with a real nginx (skipped where there is none: apt-get install nginx-light)
	$(BIN)/python -m pytest -q -rs tests/deploy/test_nginx.py

drill-kill: $(VENV)/.dev ## Kill a server of ENGINE (sqlite, postgresql) while many write, ROUNDS (200) times
	$(BIN)/python -m bench.drill_kill $(ENGINE) $(ROUNDS)

drill-disk: $(VENV)/.dev ## Fill the disk under a registry of ENGINE and make room again (needs root, to mount one)
	$(BIN)/python -m bench.drill_disk $(ENGINE)

drill-io: $(VENV)/.dev ## Let the n-th write or sync of the files of ENGINE fail, for 150 n (needs a C compiler)
	$(BIN)/python -m bench.drill_io $(ENGINE)

drill-abuse: $(VENV)/.dev ## Do what one stolen or hostile key can do, to the CHECKOUT (this one), and ATTEMPTS (500) random attempts by each
	@failed=0; \
	$(BIN)/python -m tests.drills.abuse.run $(addprefix --checkout ,$(CHECKOUT)) || failed=1; \
	$(BIN)/python -m tests.drills.abuse.random_attempts --attempts $(or $(ATTEMPTS),500) $(addprefix --checkout ,$(CHECKOUT)) || failed=1; \
	exit $$failed

flood: $(VENV)/.runtime ## Let sixteen clients ask a costly question, and tell how long writers, cheap reads and health wait
	$(BIN)/python -m bench.flood $(FLOOD)

crowd: PEOPLE = 20000
crowd: LINES = 10000
crowd: $(VENV)/.runtime ## Let CONNECTIONS (2000) dashboards poll while a list, reports and costly questions come: who waits how long, and is told less?
	$(BIN)/python -m bench.crowd $(READING) --people $(PEOPLE) --lines $(LINES) --connections $(CONNECTIONS) --seconds $(SECONDS)

bench: $(VENV)/.runtime $(READING)/.datasette ## Ask registries of SIZES people, beside the obvious service, Datasette and bare uvicorn
	$(BIN)/python -m bench.reading.run $(READING) $(SIZES) --datasette $(READING)/datasette/bin/datasette

bench-full: SIZES = 1000000
bench-full: bench ## The same of a registry of a million people (20 GB of disk)

bench-pages: SIZES = 100000
bench-pages: $(VENV)/.runtime ## Time every kind of page warm, cold and after a start, of the January replay and of SIZES (100000) people
	$(BIN)/python -m bench.pages $(READING) $(SIZES)

bench-import: $(VENV)/.runtime ## File ROWS (100000) invented reports, then the same file again; try them in a process of its own
	$(BIN)/python -m bench.imports $(ROWS)
	$(BIN)/python -m bench.imports $(ROWS) --dry-run

bench-posts: $(VENV)/.runtime ## Store reports one by one, at a pace and beside a list, in a registry of PEOPLE kept in READING
	$(BIN)/python -m bench.posts $(READING) $(PEOPLE)

bench-lists: $(VENV)/.runtime ## Try the lists named in LISTS, each with its mapping: "a.csv:a.toml b.csv:b.toml"
	$(BIN)/python -m bench.lists $(LISTS)

bench-estimate: $(VENV)/.runtime ## Time estimates from five and twelve lists
	$(BIN)/python bench/estimate.py

bench-match: $(VENV)/.runtime ## Print how well people are recognised (PAIRS=path for a CSV of two sources)
	$(BIN)/python bench/match.py $(PAIRS)

bench-lookup: $(VENV)/.dev ## Time look-ups in a registry of a million people (PEOPLE=… for another number)
	$(BIN)/python -m bench.lookup $(PEOPLE)

bench-compare: $(VENV)/.runtime ## Lay two invented lists of LINES (5000) rows side by side
	$(BIN)/python -m bench.compare $(LINES)

format: $(VENV)/.dev ## Put the code into shape
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

openapi: $(VENV)/.runtime ## Write openapi.json and openapi-desk.json
	$(BIN)/recuento openapi > $(VENV)/openapi.json
	$(BIN)/recuento openapi --desk > $(VENV)/openapi-desk.json
	cp $(VENV)/openapi.json $(VENV)/openapi-desk.json .

client-typescript: ## Install, generate and check the TypeScript client and its dashboard (needs node; .ci/run leaves it out)
	@command -v npm > /dev/null || { echo "The TypeScript client needs node 20 or newer, with npm" >&2; exit 1; }
	cd clients/typescript && npm ci --ignore-scripts --no-audit --no-fund && npm run generate && npm run build

lock: ## Write both locks from pyproject.toml, keeping what they pin (LOCK_FLAGS=--upgrade for newer)
	$(LOCK) $(LOCK_FLAGS) pyproject.toml --extra build --output-file requirements.txt
	$(LOCK) $(LOCK_FLAGS) pyproject.toml --extra build --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	$(LOCK) $(LOCK_FLAGS) --group pyproject.toml:audit --output-file requirements-audit.txt
	$(LOCK) $(LOCK_FLAGS) --group pyproject.toml:mutation --constraint requirements-dev.txt --output-file requirements-mutation.txt
	$(LOCK) $(LOCK_FLAGS) bench/requirements-reading.in --output-file bench/requirements-reading.txt

clean: ## Remove the environment and what the tools left
	rm -rf $(VENV) $(AUDIT) build dist *.egg-info clients/python/build clients/typescript/node_modules clients/typescript/dist .coverage .coverage.* htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	find app migrations tests -name __pycache__ -prune -exec rm -rf {} +

# The environment is made again only when a lock or pyproject.toml changed. The development one stands on the other.
$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null || { \
		echo "Recuento needs Python 3.11 or newer, and $(PYTHON) is not: try make PYTHON=python3.13" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV) || { rm -rf $(VENV); exit 1; }

$(VENV)/.runtime: requirements.txt pyproject.toml | $(BIN)/python
	$(INSTALL) requirements.txt
	$(INSTALL_OURS)
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.runtime
	$(INSTALL) requirements-dev.txt
	@touch $@

# mutmut runs the tests in its own process, so it stands in the environment of the tests.
$(VENV)/.mutation: requirements-mutation.txt $(VENV)/.dev
	$(INSTALL) requirements-mutation.txt
	@touch $@

$(AUDIT)/.tools: requirements-audit.txt
	$(PYTHON) -m venv --clear $(AUDIT)/tools
	$(AUDIT)/tools/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

$(AUDIT)/.runtime: requirements.txt
	$(PYTHON) -m venv --clear $(AUDIT)/runtime
	$(AUDIT)/runtime/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $<
	@touch $@

# Left out where its packages cannot be had: the benchmark says so.
$(READING)/.datasette: bench/requirements-reading.txt
	@mkdir -p $(READING)
	$(PYTHON) -m venv --clear $(READING)/datasette
	$(READING)/datasette/bin/python -m pip --disable-pip-version-check install --quiet --require-hashes -r $< && \
		touch $@ || rm -rf $(READING)/datasette
