"""video:PATH: what was seen, with boxes, in the camera's own time."""

from __future__ import annotations

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
    shown = capsys.readouterr().err
    assert "exists already" in shown
    assert "which --no-frames forbids" in shown
    assert ".mp4 or .avi" in shown
    assert taken.read_text() == "mine"
    assert [p.name for p in tmp_path.iterdir()] == ["taken.mp4"]
