"""Jetson's own pipeline string on stand-ins for its elements."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from fer_edge.models import DEFAULT_MODEL
from tests.cameras.conftest import SETUP, on_jetson

pytestmark = pytest.mark.cameras

pytest.importorskip("gi", reason=f"needs python3-gi: {SETUP}")

READ = """
import json, sys, time
sys.path.insert(0, sys.argv[1])
import jetson_elements
jetson_elements.register()
from fer_edge.runtime.sources import open_source
with open_source("csi://0?size=640x480&fps=30") as source:
    frames = [source.read() for _ in range(10)]
    time.sleep(1)
    stale = source.read()
    age_ms = (time.monotonic_ns() - stale.captured_ns) / 1e6
pixels = frames[-1].pixels
print(json.dumps({"shape": pixels.shape, "left": pixels[400, 100].tolist(), "right": pixels[400, 540].tolist(),
                  "bar": int(stale.pixels[:, 0].sum(1).argmax()), "age_ms": age_ms}))
"""


def test_frames_come_in_their_colours_and_fresh() -> None:
    command = [sys.executable, "-c", READ, str(Path(__file__).parent)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["shape"] == [480, 640, 3]
    assert seen["left"] == pytest.approx([200, 30, 30], abs=6)
    assert seen["right"] == pytest.approx([30, 30, 200], abs=6)
    assert seen["bar"] >= 20  # a second of frames was skipped, not queued
    assert seen["age_ms"] < 150


def test_compare_runs_on_the_camera(tmp_path: Path) -> None:
    call = ["run", DEFAULT_MODEL, "--compare", DEFAULT_MODEL, "--source", "csi://0?size=640x480&fps=30"]
    call += ["--detector", "whole", "--sink", "console:", "--max-frames", "40", "--json", "--report", str(tmp_path)]
    done = on_jetson(*call)
    assert done.returncode == 0, done.stderr[-2000:]
    summary = json.loads(done.stdout)
    assert summary["frames"] >= 40
    assert [model["agreement"] for model in summary["models"]] == [None, 1.0]
    assert (tmp_path / "compare.md").is_file()


def test_without_the_elements_the_remedy_names_jetpack() -> None:
    call = ["run", "--source", "csi://0", "--sink", "console:", "--detector", "whole"]
    done = subprocess.run([sys.executable, "-m", "fer_edge", *call], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4
    assert "nvidia-l4t-gstreamer" in done.stderr
