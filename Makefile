# make demo   what-if, end to end: simulate, dream, score, report
# make test   all checks and tests
# make lint   only the static checks
# make bench  speed, against anuga and software GL; about five minutes on a quiet machine
# make clean  remove the environment and the demo's output
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
JOBS ?= 2

.PHONY: demo test lint bench clean
.DEFAULT_GOAL := demo

# A stamp is newer than what it was made from, or is made again.
$(VENV)/demo.stamp: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo 'worldsim needs Python 3.11 or newer; name one: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)'; exit 2; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[video]'
	touch $@

$(VENV)/test.stamp: $(VENV)/demo.stamp
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[test]'
	touch $@

$(VENV)/peers.stamp: $(VENV)/demo.stamp
	$(BIN)/python -m pip install --quiet -c constraints.txt -e '.[peers]'
	touch $@

demo: $(VENV)/demo.stamp
	$(BIN)/worldsim run tsunami --wave-height 6 --building timber --cases 2 --realizations 4 --seed 0 --out runs/demo

lint: $(VENV)/test.stamp
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

# One thread per worker: two test processes on two cores would otherwise fight for them.
test: lint
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n $(JOBS) --durations=10

bench: $(VENV)/peers.stamp
	$(BIN)/python -m evaluation.speed --out records/speed

clean:
	rm -rf $(VENV) runs/demo build dist .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache
