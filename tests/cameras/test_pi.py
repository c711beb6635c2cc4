"""The real picamera2 on libcamera's virtual camera."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path

import pytest

from tests.cameras.conftest import check_comparison, check_verified, compare_call, in_pi

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


def test_compare_runs_on_the_camera(pi: Path) -> None:
    call = compare_call("/srv/models", "picamera2://0?size=640x480&fps=30", "/tmp/report")
    done = in_pi(pi, "-m", "fer_edge", *call, "--overwrite")
    assert done.returncode == 0, done.stderr[-2000:]
    check_comparison(done.stdout, (pi / "tmp/report/compare.md").read_text())


def test_what_was_captured_can_be_verified(pi: Path) -> None:
    shutil.rmtree(pi / "tmp/captured", ignore_errors=True)
    call = ["capture", "--out", "/tmp/captured", "--model", "/srv/models/tiny-int8.tflite", "--classes", "red,blue"]
    call += ["--count", "4", "--detector", "haar", "--source", "picamera2://0?size=640x480", "--yes"]
    done = in_pi(pi, "-m", "fer_edge", *call)
    assert done.returncode == 0, done.stderr[-2000:]
    assert [len(list((pi / "tmp/captured" / label).glob("*.png"))) for label in ("red", "blue")] == [4, 4]
    check = ["verify", "/srv/models/tiny-int8.tflite", "--baseline", "/srv/models/tiny-fp32.tflite"]
    done = in_pi(pi, "-m", "fer_edge", *check, "--data", "/tmp/captured", "--json")
    assert done.returncode in (0, 3, 7), done.stderr[-2000:]
    check_verified(done.stdout)


def test_systemd_hears_that_the_camera_runs(pi: Path) -> None:
    address = pi / "tmp/notify"
    address.unlink(missing_ok=True)
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(address))
        listening.settimeout(5)
        # On a busy machine 3 s, of which the camera's start is a part, gave fewer than three messages.
        call = ["-m", "fer_edge", "run", "--duration", "8", "--detector", "haar", "--sink", "console:"]
        done = in_pi(pi, *call, NOTIFY_SOCKET="/tmp/notify")
        assert done.returncode == 0, done.stderr[-2000:]
        told = [listening.recv(4096).decode() for _ in range(3)]
    assert told[0].startswith("READY=1\nWATCHDOG=1\nSTATUS=")
    assert told[1].startswith("WATCHDOG=1")


def test_doctor_sees_the_camera(pi: Path) -> None:
    done = in_pi(pi, "-m", "fer_edge", "doctor", "--json")
    assert done.returncode == 0, done.stderr[-2000:]
    found = {check["name"]: check for check in json.loads(done.stdout)["checks"]}
    assert found["camera"]["status"] == "ok"
    assert "picamera2://0 gives" in found["camera"]["message"]
    assert found["picamera2"]["status"] == "ok"
