"""video:PATH: what was seen, with boxes, in the camera's own time."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge.cli import execute

SOURCE = "synthetic://?size=320x240&fps=10&frames=20"


def run(sink: str, *more: str) -> int:
    return execute(["run", "--source", SOURCE, "--detector", "whole", "--sink", sink, *more])


@pytest.mark.parametrize("name", ["faces.mp4", "faces.avi"])
def test_the_film_lasts_as_long_as_what_it_shows(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / name
    assert run(f"video:{path}?fps=20") == 0
    assert f"leaves this process: pictures, boxes and labels into {path}" in capsys.readouterr().err
    assert [p.name for p in tmp_path.iterdir()] == [name]
    film = cv2.VideoCapture(str(path))
    pictures = []
    while (answer := film.read())[0]:
        pictures.append(answer[1])
    assert len(pictures) == pytest.approx(39, abs=2)  # 20 frames, 0.1 s apart, at 20 pictures a second
    assert pictures[0].shape == (240, 320, 3)
    assert not np.array_equal(pictures[0], pictures[-1])


def test_a_film_is_never_replaced_or_made_against_the_wish(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taken = tmp_path / "taken.mp4"
    taken.write_text("mine")
    assert run(f"video:{taken}") == 8
    assert run(f"video:{tmp_path / 'x.mp4'}", "--no-frames") == 2
    assert run(f"video:{tmp_path / 'x.gif'}") == 2
    assert run(f"video:{tmp_path / 'none' / 'x.mp4'}") == 8
    twice = f"video:{tmp_path / 'y.mp4'}"
    assert run(twice, "--sink", f"{twice}?fps=5") == 8
    shown = capsys.readouterr().err
    assert "exists already" in shown
    assert "which --no-frames forbids" in shown
    assert ".mp4 or .avi" in shown
    assert taken.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["taken.mp4"]


def test_a_full_disk_ends_the_film_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=10**6)
    monkeypatch.setattr("fer_edge.runtime.sinks.video.shutil.disk_usage", lambda _: usage)
    assert run(f"video:{tmp_path / 'x.mp4'}", "--json") == 9
    captured = capsys.readouterr()
    assert json.loads(captured.out)["frames"] >= 1  # what was seen is reported all the same
    assert "less than 32 MB are free" in captured.err


def test_a_film_that_is_not_whole_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fer_edge.runtime.sinks.video._has_picture", lambda _: False)
    assert run(f"video:{tmp_path / 'x.mp4'}") == 1
    assert "could not be finished" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_stop_while_the_film_catches_up_leaves_a_whole_film(tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    command = [sys.executable, "-m", "fer_edge", "run", "--source", "synthetic://?size=1920x1080&fps=2"]
    command += ["--detector", "whole", "--sink", f"video:{path}?fps=240"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        process.stderr.readline()
        time.sleep(4)
        process.send_signal(signal.SIGTERM)
        shown = process.communicate(timeout=20)[1]
    assert process.returncode == 0, shown
    assert cv2.VideoCapture(str(path)).read()[0]
