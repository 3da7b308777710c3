# make app     the app in a browser (first run installs the requirements into .venv)
# make test    all tests; those in a browser when a Chromium is found
# make slow    the tests that take minutes
# make lint    ruff
# make bench   measures what the README states
# make demo-weights   trains the small face embedder again
# TORCH=cpu make ...  installs PyTorch from its own CPU index (smaller)

PYTHON ?= python3
BIN := .venv/bin
TORCH ?= default
# Threads that wait give their core away: browser, server and training share two of them.
export OMP_WAIT_POLICY ?= PASSIVE
INDEX := $(if $(filter cpu,$(TORCH)),--index-url https://download.pytorch.org/whl/cpu,)
APP := .venv/app-$(TORCH)
DEV := .venv/dev-$(TORCH)

.PHONY: app test slow lint bench demo-weights

app: $(APP)
	$(BIN)/streamlit run app.py

# A process per core, of one thread each; at most four, since each takes up to 2.5 GB.
test: $(DEV)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile

slow: $(DEV)
	$(BIN)/python -m pytest -m slow

lint: $(DEV)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

bench: $(DEV)
	$(BIN)/python -m benchmarks.forgetting
	PYTHONPATH=tests $(BIN)/python -m benchmarks.visiting

demo-weights: $(APP)
	$(BIN)/python -m scripts.demo_weights

$(BIN)/python:
	$(PYTHON) -m venv .venv

$(APP): requirements.txt | $(BIN)/python
	$(BIN)/python -m pip install --quiet $(INDEX) $$(grep -oE '^torch(vision)?==[0-9.]+' $<)
	$(BIN)/python -m pip install --quiet -r $<
	touch $@

$(DEV): requirements-dev.txt $(APP)
	$(BIN)/python -m pip install --quiet -r $<
	touch $@
