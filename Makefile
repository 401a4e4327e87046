# Every target sets up .venv by itself; only Python 3.11 or newer is needed.
# Arguments: make test ARGS="tests/store -x"   make demo ARGS="--seed 7"

BIN := .venv/bin
ARGS :=
# Tests of one file share what they prepared, so they stay in one process; in which order, tests/conftest.py says.
PARALLEL := --dist loadgroup --no-loadscope-reorder
# Tests of processes and terminals wait for half of their time. Real clients speak in real time: one a core.
WORKERS := $(shell expr 2 '*' `getconf _NPROCESSORS_ONLN`)
OWN_ENVIRONMENTS := real_clients or packaging

# Where this is set, each of the processes that tests start would compile everything again.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test test-real test-all fuzz fuzz-viewer soak check format bench coverage screenshots lowest readme-lines clean .venv

help:
	@echo "make demo         watch a scripted agent in the viewer"
	@echo "make test         run all tests that need no environment of their own"
	@echo "make test-all     run these, those with the real clients, in environments that are made once, and fuzz"
	@echo "make fuzz         damage requests, frames, handshakes and recordings, and type, at random"
	@echo "make fuzz-viewer  type, click and resize at random in the real viewer: ARGS=\"--inputs 200000\""
	@echo "make soak         run the real viewer for an hour under load, and see whether it grows"
	@echo "make coverage     measure which branches of the wire, the store, the receivers and the SDK's transport are tested"
	@echo "make check        formatting, lint, types, import contracts"
	@echo "make format       put the code into shape"
	@echo "make bench        measure, with peers in the same run; ARGS=quick in two minutes, ARGS=write for the page"
	@echo "make screenshots  render the pictures of the README again"
	@echo "make readme-lines try each line of the README's tables in a fresh environment"
	@echo "make lowest       run the fast tests with the oldest dependencies that are allowed"

.venv:
	@scripts/bootstrap

demo: .venv
	@$(BIN)/etaoi-tui demo $(ARGS)

test: .venv
	$(BIN)/python -m pytest -n $(WORKERS) $(PARALLEL) -m "not ($(OWN_ENVIRONMENTS))" $(ARGS)

test-real: .venv
	$(BIN)/python -m pytest -n auto $(PARALLEL) -m "$(OWN_ENVIRONMENTS)" $(ARGS)

test-all: test test-real fuzz

fuzz-viewer: .venv
	$(BIN)/python scripts/fuzz_viewer.py $(ARGS)

fuzz: .venv
	$(BIN)/python scripts/fuzz_doors.py
	$(BIN)/python scripts/fuzz_receivers.py
	$(BIN)/python scripts/fuzz_frames.py
	$(BIN)/python scripts/fuzz_viewer.py

soak: .venv
	$(BIN)/python scripts/soak.py $(ARGS)

check: .venv
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy --platform win32 --cache-dir .mypy_cache/win32 -p etaoi_collector -p etaoi_tui
	$(BIN)/lint-imports

format: .venv
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# Lines and branches that tests take, of what reads strangers' bytes and of what runs inside the host. Processes
# that tests start are not counted: a tracer in them would change what is tested (forks, signals, imports).
COVERED := etaoi_collector/wire etaoi_collector/store etaoi_collector/receivers etaoi_tui/sdk/transport
LEAST_COVERED := 95
coverage: .venv
	$(BIN)/python -m pytest -n $(WORKERS) $(PARALLEL) -m "not ($(OWN_ENVIRONMENTS))" --cov-branch --cov-report= \
		$(foreach room,$(COVERED),--cov=$(subst /,.,$(room))) \
		tests/collector tests/store tests/receivers tests/sdk tests/bus $(ARGS)
	@failed=; for room in $(COVERED); do \
		$(BIN)/coverage report --skip-covered --include="*/$$room/*" --fail-under=$(LEAST_COVERED) || failed=1; \
	done; test -z "$$failed"

bench: .venv
	$(BIN)/python -m benchmarks $(ARGS)

screenshots: .venv
	$(BIN)/python scripts/screenshots.py $(ARGS)

lowest: .venv
	$(BIN)/python scripts/lowest.py

readme-lines: .venv
	$(BIN)/python scripts/readme_lines.py $(ARGS)
	$(BIN)/python scripts/readme_launch_lines.py $(ARGS)

clean:
	rm -rf .venv .envs dist build
