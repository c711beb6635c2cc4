"""`fer-edge run`: what it refuses, and what it does without a camera."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge.cli import execute

SOURCE = "synthetic://?size=160x120"


def test_without_any_camera_each_probe_is_listed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    uris = ["picamera2://0", "csi://0", "v4l2:///dev/video77"]
    monkeypatch.setattr("fer_edge.runtime.sources.discover.candidates", lambda: uris)
    assert execute(["run", "--sink", "console:", "--detector", "whole"]) == 4
    shown = capsys.readouterr().err
    assert all(f"{uri}: " in shown for uri in uris)
    assert "fer-edge run --source synthetic://" in shown


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--source", "webcam"], 2, "it must begin with one of picamera2:"),
        (["--source", SOURCE, "--sink", "mqtt://x"], 2, "'mqtt://x' is no sink"),
        (["--source", SOURCE, "--sink", "jsonl:"], 2, "names no file"),
        (["--source", SOURCE, "--sink", "jsonl:/nowhere/at/all.jsonl"], 8, "cannot be written"),
        (["--source", SOURCE, "--detector", "yolo"], 2, "blazeface, haar, yunet, whole"),
        (["--source", SOURCE, "--sink", "web://example"], 2, "web://127.0.0.1:8080"),
        (["none.tflite", "--source", SOURCE], 8, "none.tflite"),
        (["--source", "file:none.mp4"], 8, "there is no video none.mp4"),
    ],
)
def test_wrong_options_say_what_is_right(
    options: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    defaults = [] if "--detector" in options else ["--detector", "whole"]
    defaults += [] if "--sink" in options else ["--sink", "console:"]
    assert execute(["run", *options, *defaults]) == code
    assert words in capsys.readouterr().err


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_run_within_two_seconds_and_flushes(number: signal.Signals, tmp_path: Path) -> None:
    lines = tmp_path / "faces.jsonl"
    command = [sys.executable, "-m", "fer_edge", "run", "--source", SOURCE, "--detector", "whole"]
    with subprocess.Popen([*command, "--sink", f"jsonl:{lines}"], stderr=subprocess.PIPE, text=True) as process:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not (lines.exists() and lines.stat().st_size):
            time.sleep(0.05)
        started = time.monotonic()
        os.kill(process.pid, number)
        _, shown = process.communicate(timeout=10)
    assert time.monotonic() - started < 2
    assert process.returncode == 0
    assert "frames in" in shown
    assert lines.read_text().endswith("}\n")


def test_json_lines_rotate(tmp_path: Path) -> None:
    lines = tmp_path / "faces.jsonl"
    sink = f"jsonl:{lines}?max_mb=0.005&keep=2"
    source = f"{SOURCE}&fps=0&frames=100"
    assert execute(["run", "--source", source, "--detector", "whole", "--sink", sink]) == 0
    assert sorted(p.name for p in tmp_path.iterdir()) == ["faces.jsonl", "faces.jsonl.1", "faces.jsonl.2"]
    assert all(p.stat().st_size < 7000 for p in tmp_path.iterdir())


def test_a_line_that_was_cut_short_stays_alone(tmp_path: Path) -> None:
    lines = tmp_path / "faces.jsonl"
    lines.write_text('{"seq":7,"fac')
    call = ["run", "--source", f"{SOURCE}&fps=0&frames=2", "--detector", "whole", "--sink", f"jsonl:{lines}"]
    assert execute(call) == 0
    assert [line.startswith('{"schema_version"') for line in lines.read_text().splitlines()] == [False, True, True]


def test_a_start_that_is_refused_leaves_no_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "taken.mp4").write_text("mine")
    sinks = [f"jsonl:{tmp_path / 'left.jsonl'}", f"video:{tmp_path / 'taken.mp4'}"]
    call = ["run", "--source", SOURCE, "--detector", "whole"]
    assert execute([*call, "--sink", sinks[0], "--sink", sinks[1]]) == 8
    assert [p.name for p in tmp_path.iterdir()] == ["taken.mp4"]
    assert execute([*call, "--sink", sinks[0], "--sink", sinks[0]]) == 2
    assert "is given twice" in capsys.readouterr().err


def test_pictures_that_cannot_be_read_are_counted_and_none_at_all_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.png").write_text("bad")
    call = ["run", "--source", f"images:{tmp_path}", "--detector", "whole", "--sink", "console:"]
    assert execute(call) == 8
    assert "a.png" in capsys.readouterr().err
    cv2.imwrite(str(tmp_path / "b.png"), np.zeros((40, 40, 3), np.uint8))
    assert execute(call) == 0
    assert "1 could not be read" in capsys.readouterr().err


def test_nothing_is_reported_to_the_makers_of_onnx_runtime(tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime", reason="needs onnxruntime: pip install 'fer-edge[onnx]'")
    script = "import fer_edge, onnxruntime"
    environment = {k: v for k, v in os.environ.items() if k != "ORT_DISABLE_TELEMETRY"} | {"HOME": str(tmp_path)}
    environment.pop("XDG_CACHE_HOME", None)
    subprocess.run([sys.executable, "-c", script], env=environment, check=True)
    assert list(tmp_path.iterdir()) == []
