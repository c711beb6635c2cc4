"""The real picamera2 on libcamera's virtual camera."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cameras.conftest import in_pi

pytestmark = pytest.mark.cameras

READ = """
import json, sys, time
from fer_edge.runtime.sources import open_source
with open_source("picamera2://0?size=640x480&fps=30") as source:
    frames = [source.read() for _ in range(12)]
    last = frames[-1]
    ages_ms = (time.monotonic_ns() - last.captured_ns) / 1e6
print(json.dumps({
    "shape": last.pixels.shape, "left": last.pixels[30, 100].tolist(), "right": last.pixels[30, 540].tolist(),
    "different": len({frame.pixels.tobytes() for frame in frames}), "age_ms": ages_ms,
    "rising": all(a.captured_ns <= b.captured_ns for a, b in zip(frames, frames[1:])),
}))
"""


def test_frames_show_what_is_before_the_camera_in_its_colours(pi: Path) -> None:
    done = in_pi(pi, "-c", READ)
    assert done.returncode == 0, done.stderr[-2000:]
    seen = json.loads(done.stdout.splitlines()[-1])
    assert seen["shape"] == [480, 640, 3]
    red, green, blue = seen["left"]
    assert red > 180
    assert max(green, blue) < 70
    red, green, blue = seen["right"]
    assert blue > 180
    assert max(red, green) < 70
    assert seen["different"] >= 3
    assert seen["rising"]
    assert seen["age_ms"] < 500


def test_a_camera_that_is_not_there_is_named(pi: Path) -> None:
    done = in_pi(pi, "-m", "fer_edge", "run", "--source", "picamera2://7", "--sink", "console:", "--detector", "whole")
    assert done.returncode == 4
    assert "none with number 7" in done.stderr
    assert "Traceback" not in done.stderr


def test_run_finds_the_camera_by_itself(pi: Path) -> None:
    done = in_pi(pi, "-m", "fer_edge", "run", "--max-frames", "20", "--json", "--sink", "console:")
    assert done.returncode == 0, done.stderr[-2000:]
    summary = json.loads(done.stdout)
    assert summary["frames"] >= 20
    assert "appeared" in done.stderr
