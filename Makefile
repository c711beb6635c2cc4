# make quickstart and make test need Python 3.10 to 3.13 with venv, and make; everything else goes into .venv.
PYTHON ?= python3
WORKERS ?= 2
BIN := .venv/bin
PIP := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: quickstart test test-slow test-cameras test-arm64 lint format docs clean

quickstart: .venv/installed ## the whole path on generated faces: train, convert, verify, benchmark
	$(BIN)/fer-edge quickstart

test: .venv/installed-dev lint ## every check and every fast test
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile -q

test-slow: .venv/installed-dev ## minutes per test; those that need the real data say so and skip without it
	$(BIN)/python -m pytest -m slow -q -rs

# Debian's Python 3.11 or newer sees python3-gi; pip's environment does not.
test-cameras: .venv-cameras/installed .venv/installed-dev ## picamera2 on a virtual camera, Jetson's pipeline on stand-ins; Debian, as root
	mkdir -p runs/cameras/models
	$(BIN)/python -m tests.support.tiny_models runs/cameras/models
	tests/cameras/pi_root.sh runs/cameras/pi .
	FER_EDGE_PI_ROOT=runs/cameras/pi .venv-cameras/bin/python -m pytest -m cameras -q -rs tests/cameras

.venv-cameras/installed: pyproject.toml constraints.txt
	apt-get install -y -q --no-install-recommends mmdebstrap gcc libc6-dev python3-venv python3-gi python3-gst-1.0 \
		gir1.2-gst-plugins-base-1.0 gstreamer1.0-tools gstreamer1.0-plugins-base gstreamer1.0-plugins-good
	/usr/bin/python3 -m venv --system-site-packages .venv-cameras
	.venv-cameras/bin/python -m pip install --quiet --constraint constraints.txt --editable '.[onnx,benchmark]' pytest
	touch $@

test-arm64: .venv/installed-dev ## the commands on Raspberry Pi OS's userland, emulated, against this machine; Debian on x86-64, as root
	apt-get install -y -qq --no-install-recommends mmdebstrap arch-test qemu-user-static binfmt-support
	tests/arm64/arm64_root.sh runs/arm64/root .
	FER_EDGE_ARM64_ROOT=runs/arm64/root $(BIN)/python -m pytest -m arm64 -q -rs tests/arm64

lint: .venv/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/installed-dev
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

docs: .venv/installed-dev ## write docs/cli.md from the commands themselves
	$(BIN)/python docs/generate_cli.py

clean:
	rm -rf .venv dist build .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 10) <= sys.version_info[:2] <= (3, 13))' \
		|| { echo "Python 3.10 to 3.13 is needed, $(PYTHON) is another: make PYTHON=python3.11 ..."; exit 1; }
	$(PYTHON) -m venv .venv || { rm -rf .venv; echo "Install venv: sudo apt install python3-venv"; exit 1; }

# The stamps spare a second set-up; a change of the requirements repeats it.
.venv/installed: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[convert,benchmark]'
	touch $@

.venv/installed-dev: pyproject.toml constraints.txt | .venv/bin/python
	$(PIP) --editable '.[dev]'
	touch .venv/installed $@
