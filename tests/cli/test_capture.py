"""`fer-edge capture`: labelled crops that the other commands take as data."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fer_edge.cli import execute
from fer_edge.preprocess import read_image

LABELS = ("red", "green", "blue")


@pytest.fixture
def call(tiny_artifacts: Path, tmp_path: Path) -> list[str]:
    model = str(tiny_artifacts / "tiny-int8.tflite")
    source = "synthetic://?fps=0&size=160x120"
    options = ["--model", model, "--source", source, "--detector", "whole", "--count", "4"]
    return ["capture", "--out", str(tmp_path / "mine"), *options]


def test_crops_are_labelled_and_serve_verify(
    call: list[str], tiny_artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*call, "--yes", "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["counts"] == dict.fromkeys(LABELS, 4)
    assert "look green: 3" in captured.err
    assert "agrees that pictures of the face are kept" in captured.err
    folder = tmp_path / "mine"
    record = json.loads((folder / "capture.json").read_text())
    assert record["labels"] == list(LABELS)
    assert "agrees" in record["consent"]
    pictures = sorted(folder.rglob("*.png"))
    assert len(pictures) == 12
    assert read_image(pictures[0]).shape == (120, 160, 3)
    assert len({p.read_bytes() for p in pictures}) > 6  # the face moves between two crops
    verify = ["verify", str(tiny_artifacts / "tiny-fp32.onnx"), "--baseline", str(tiny_artifacts / "tiny.keras")]
    assert execute([*verify, "--data", str(folder), "--json"]) in (0, 7)
    assert json.loads(capsys.readouterr().out)["artifacts"][0]["accuracy"]["n"] == 12


def test_a_second_capture_adds(call: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert execute([*call, "--yes"]) == 0
    assert execute([*call, "--yes", "--classes", "green", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["counts"] == {"red": 4, "green": 8, "blue": 4}


def test_crops_of_another_detector_are_not_mixed_in(
    call: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*call, "--yes", "--classes", "red"]) == 0
    record = tmp_path / "mine" / "capture.json"
    record.write_text(record.read_text().replace("WholeFrame", "BlazeFaceDetector"))
    assert execute([*call, "--yes"]) == 8
    assert "another detector" in capsys.readouterr().err


def test_without_consent_nothing_is_kept(
    call: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import io

    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    assert execute(call) == 130
    assert not (tmp_path / "mine").exists()


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (["--classes", "purple"], 2, "Its classes are: red, green, blue"),
        (["--source", "synthetic://?fps=0&size=160x120&frames=120"], 8, "ended before all was taken"),
        (["--source", "v4l2:///dev/video99"], 4, "there is no camera"),
    ],
)
def test_what_cannot_be_taken_says_why(
    call: list[str], options: list[str], code: int, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*call, *options, "--yes"]) == code
    assert words in capsys.readouterr().err


def test_a_folder_of_something_else_is_left_alone(
    call: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    assert execute([*call, "--yes"]) == 8
    assert "holds something else" in capsys.readouterr().err
    assert [p.name for p in (tmp_path / "mine").iterdir()] == ["notes.txt"]
