# Everything runs from .venv, made from the pins of constraints.txt. `make help` lists the targets.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
WORKERS ?= 2
TESTS ?=
BENCH ?= $(filter-out __init__ budget common ours plans reference,$(notdir $(basename $(wildcard benchmarks/*.py))))

IMAGE ?= mtlser:$(shell sed -n 's/^version = "\(.*\)"/\1/p' pyproject.toml)
ARGUMENTS := BASE_IMAGE VARIANT CPU_INDEX PIP_INDEX_URL EXTRA_CERTIFICATE COMMIT
COMMIT = $(shell git describe --always --dirty --abbrev=40)

# One thread a process: the tests' workers share the cores.
test newest: export OMP_NUM_THREADS ?= 1

.DEFAULT_GOAL := help
.PHONY: help setup demo backbone test newest engine test-platform restore-test image sbom bench lint types check map reference golden constraints clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 16

setup: $(STAMP) ## make .venv and install the project with its pinned packages

$(STAMP): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' || { \
	  echo "Python 3.11 or 3.12 is needed, found: $$($(PYTHON) --version 2>&1);" \
	    "name another: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@echo "Installing the pinned packages into $(VENV): some minutes, about 7 GB of disk ..."
	$(BIN)/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev]'
	@touch $@

demo: setup ## run the whole DAG on the synthetic corpus: runs/demo/report.html
	@test -d build/synthetic || $(BIN)/mtlser synth --out build/synthetic --seed 0
	$(BIN)/mtlser-pipeline run --recipe demo --out runs/demo

backbone: setup ## pre-train the bundled backbone anew into mtlser/models/backbone
	@test -d build/pretraining || $(BIN)/mtlser synth --pretraining 4000 --seed 0 --out build/pretraining
	$(BIN)/mtlser ingest --recipe backbone --out build/pretraining-corpus
	$(BIN)/mtlser split --manifest build/pretraining-corpus --recipe backbone --out build/pretraining-folds
	$(BIN)/mtlser pretrain --manifest build/pretraining-corpus --folds build/pretraining-folds --out build/backbone
	mkdir -p mtlser/models/backbone && cp build/backbone/* mtlser/models/backbone/

test: setup ## run every test (real data too, where MTLSER_SHARED names it)
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

newest: ## run the tests with the newest packages that pyproject.toml allows, in build/newest
	$(PYTHON) -m venv build/newest
	build/newest/bin/python -m pip install --disable-pip-version-check -q \
	  --upgrade --upgrade-strategy eager -e '.[dev]'
	build/newest/bin/python -m pip list --disable-pip-version-check --format=freeze \
	  --exclude-editable >build/newest/packages.txt
	build/newest/bin/python -m pytest -n $(WORKERS) --dist loadfile $(TESTS)

engine: ## start a Docker Engine and build the image for the platform tests, where they can be had
	tests/platform/engine.sh $(IMAGE)

test-platform: setup engine ## run the tests that need Docker, an image, or a minute's fault
	$(BIN)/python -m pytest -m platform --durations 10 tests/platform

image: ## build the image; BASE_IMAGE VARIANT CPU_INDEX PIP_INDEX_URL EXTRA_CERTIFICATE are its arguments
	docker build $(foreach name,$(ARGUMENTS),$(if $($(name)),--build-arg $(name)=$($(name)))) -t $(IMAGE) .

sbom: ## the list of packages in the image, as CycloneDX: build/sbom.json
	@mkdir -p build
	docker run --rm $(IMAGE) cat \
	  "$$(docker image inspect --format '{{index .Config.Labels "io.mtlser.sbom"}}' $(IMAGE))" >build/sbom.json.tmp
	@mv build/sbom.json.tmp build/sbom.json

restore-test: setup engine ## save a platform of Compose, restore it into a new one, compare the champion
	$(BIN)/python -m pytest -m platform tests/platform/test_backup.py

bench: setup ## run every benchmark, or one: make bench BENCH=train_step
	@for name in $(BENCH); do \
	  echo "== $$name"; $(BIN)/python -m benchmarks.$$name || exit 1; done

lint: setup ## ruff: rules and format
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: setup ## mypy --strict
	$(BIN)/mypy mtlser components pipeline tests benchmarks

check: lint types test ## lint, types and tests

map: setup ## print who imports whom, room by room, and write it into docs/
	@$(BIN)/python -m tests.helpers.house_map

reference: setup ## write docs/reference.md anew: commands, recipe keys, environment variables
	@$(BIN)/python -m tests.helpers.reference

golden: setup ## write the golden IR anew, after a wanted change of a DAG or of the profile gpu
	$(BIN)/mtlser-pipeline compile --image mtlser:golden --profile gpu --out tests/golden/gpu

constraints: setup ## write the pins anew from what is installed
	$(BIN)/python -m pip list --format=freeze --exclude-editable --exclude pip \
	  | sed 's/+.*//' | LC_ALL=C sort -f > constraints.txt.tmp
	mv constraints.txt.tmp constraints.txt
	@touch $(STAMP)

clean: ## remove what was built; runs and MLflow's store stay
	rm -rf build .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find mtlser components pipeline tests -name __pycache__ -type d -prune -exec rm -rf {} +
