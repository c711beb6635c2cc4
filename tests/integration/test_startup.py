"""The command line starts fast because it loads nothing that the command does not need."""

from __future__ import annotations

import statistics
import subprocess
import sys

import pytest

TRAINING = ("tensorflow", "keras", "matplotlib", "onnx", "nncf", "scipy", "sklearn")
HEAVY = (*TRAINING, "cv2", "onnxruntime", "openvino", "ai_edge_litert")
LOADED = "import sys; print(','.join(m for m in sys.argv[1].split(',') if m in sys.modules))"
resource = pytest.importorskip("resource", reason="processor time of children is measured on POSIX only")


def loaded_by(statement: str, modules: tuple[str, ...]) -> str:
    """Which of `modules` a fresh Python holds after `statement`."""
    command = [sys.executable, "-c", f"{statement}; {LOADED}", ",".join(modules)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("module", ["fer_edge", "fer_edge.cli", "fer_edge.errors", "fer_edge.contract"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    assert loaded_by(f"import {module}", HEAVY) == ""


@pytest.mark.parametrize("command", ["train", "evaluate", "doctor"])
def test_a_command_module_loads_nothing_heavy(command: str) -> None:
    assert loaded_by(f"import fer_edge.cli.{command}", HEAVY) == ""


def test_the_device_side_loads_no_training_packages() -> None:
    heavy = tuple(m for m in HEAVY if m != "cv2")
    assert loaded_by("import fer_edge.preprocess, fer_edge.manifest, fer_edge.runtime.backends", heavy) == ""


def test_help_takes_at_most_300_ms() -> None:
    """Processor time, user and system, which foreign load does not lengthen; the median of ten."""
    seconds = []
    for _ in range(10):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run([sys.executable, "-m", "fer_edge", "--help"], capture_output=True, check=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        seconds.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    assert statistics.median(seconds) <= 0.3
