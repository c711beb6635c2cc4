"""Jetson's own pipeline string on stand-ins for its elements."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.cameras.conftest import MODELS, SETUP, check_comparison, check_verified, compare_call, on_jetson

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
    source = "csi://0?size=640x480&fps=30"
    call = compare_call(str(MODELS), source, str(tmp_path))
    call[call.index("haar")] = "whole"
    done = on_jetson(*call)
    assert done.returncode == 0, done.stderr[-2000:]
    check_comparison(done.stdout, (tmp_path / "compare.md").read_text())


def test_what_was_captured_can_be_verified(tmp_path: Path) -> None:
    model, out = str(MODELS / "tiny-int8.tflite"), str(tmp_path / "mine")
    call = ["capture", "--out", out, "--model", model, "--classes", "red,blue", "--yes"]
    call += ["--count", "4", "--detector", "whole", "--source", "csi://0?size=640x480"]
    done = on_jetson(*call)
    assert done.returncode == 0, done.stderr[-2000:]
    check = ["verify", model, "--baseline", str(MODELS / "tiny-fp32.tflite")]
    done = on_jetson(*check, "--data", out, "--json")
    assert done.returncode in (0, 3, 7), done.stderr[-2000:]
    check_verified(done.stdout)


def test_without_the_elements_the_remedy_names_jetpack() -> None:
    call = ["run", "--source", "csi://0", "--sink", "console:", "--detector", "whole"]
    done = subprocess.run([sys.executable, "-m", "fer_edge", *call], capture_output=True, text=True, timeout=60)
    assert done.returncode == 4
    assert "nvidia-l4t-gstreamer" in done.stderr
