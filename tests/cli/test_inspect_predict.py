"""`fer-edge inspect` and `fer-edge predict` on the tiny models."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge import models
from fer_edge.cli import execute
from fer_edge.preprocess import Image
from fer_edge.synthetic import EXPRESSIONS, face
from tests.support.tiny_models import ARTIFACTS, copied, tiny_images

Capture = pytest.CaptureFixture[str]
INT8 = "tiny-int8.tflite"


def write(path: Path, picture: Image) -> str:
    cv2.imwrite(str(path), picture[:, :, ::-1])
    return str(path)


@pytest.fixture
def crops(tmp_path: Path) -> list[str]:
    """A red, a green and a blue face crop."""
    return [write(tmp_path / f"{i}.png", picture) for i, picture in enumerate(tiny_images(3, seed=5, size=50)[0])]


@pytest.fixture
def photo(tmp_path: Path) -> str:
    """A grey frame with one drawn face, 128 pixels wide at 100, 60."""
    frame = np.full((300, 400, 3), 90, np.uint8)
    frame[60:188, 100:228] = face(EXPRESSIONS[0], np.random.default_rng(10), 128)
    return write(tmp_path / "photo.png", frame)


def test_predict_shows_the_pictures_with_their_faces(
    crops: list[str], tiny_artifacts: Path, tmp_path: Path, capsys: Capture
) -> None:
    command = ["predict", str(tiny_artifacts / INT8), *crops, "--whole-image", "--out", str(tmp_path / "marked")]
    assert execute(command) == 0
    assert f"{crops[0]}: copied to {tmp_path / 'marked' / '0.png'}\n" in capsys.readouterr().err
    assert sorted(path.name for path in (tmp_path / "marked").iterdir()) == ["0.png", "1.png", "2.png"]
    for number in range(3):
        marked, picture = cv2.imread(str(tmp_path / f"marked/{number}.png")), cv2.imread(crops[number])
        assert marked is not None
        assert picture is not None
        assert marked.shape == (320, 320, 3)
        drawn = (marked != cv2.resize(picture, (320, 320))).any(axis=2)
        assert 0.01 < drawn.mean() < 0.3
    before = (tmp_path / "marked/0.png").read_bytes()
    assert execute(command) == 8
    assert "exists already" in capsys.readouterr().err
    assert (tmp_path / "marked/0.png").read_bytes() == before
    assert execute([*command[:-1], crops[0]]) == 8
    assert f"--out {crops[0]} is a file" in capsys.readouterr().err


def test_predict_does_not_write_two_pictures_into_one(crops: list[str], tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "other").mkdir()
    other = str(shutil.copy(crops[0], tmp_path / "other"))
    assert execute(["predict", crops[0], other, "--whole-image", "--out", str(tmp_path / "marked")]) == 2
    assert "several pictures would become" in capsys.readouterr().err
    assert not (tmp_path / "marked").exists()


@pytest.mark.parametrize("name", [INT8, "tiny-int8.onnx", "tiny-int8.xml"])
def test_inspect_shows_an_artifact(name: str, tiny_artifacts: Path, capsys: Capture) -> None:
    assert execute(["inspect", str(tiny_artifacts / name)]) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    for expected in (
        "int8",
        "model hash",
        "ok",
        "32 x 32 px",
        "red, green, blue",
        "plain",
        "1 images",
        "agreement",
        "numpy",
    ):
        assert expected in captured.err


def test_inspect_json(tiny_artifacts: Path, capsys: Capture) -> None:
    assert execute(["inspect", str(tiny_artifacts / INT8), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["schema_version"], document["kind"], document["intact"]) == (1, "artifact", True)
    assert document["size_bytes"] == (tiny_artifacts / INT8).stat().st_size
    assert document["manifest"]["contract"]["labels"] == ["red", "green", "blue"]
    assert document["manifest"]["calibration"]["count"] == 1
    assert "pixels" not in document["manifest"]["golden"]


def test_inspect_shows_a_checkpoint(tiny_artifacts: Path, capsys: Capture) -> None:
    assert execute(["inspect", str(tiny_artifacts / "tiny.keras")]) == 0
    assert "red, green, blue" in capsys.readouterr().err
    assert execute(["inspect", str(tiny_artifacts / "tiny.keras"), "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert (document["kind"], document["info"]["architecture"]) == ("checkpoint", "tiny")


def test_inspect_shows_a_foreign_checkpoint(tmp_path: Path, capsys: Capture) -> None:
    with zipfile.ZipFile(tmp_path / "foreign.keras", "w") as archive:
        archive.writestr("config.json", "{}")
    assert execute(["inspect", str(tmp_path / "foreign.keras")]) == 0
    assert "fer-edge did not make it" in capsys.readouterr().err


def test_inspect_tells_an_altered_model(tiny_artifacts: Path, tmp_path: Path, capsys: Capture) -> None:
    path = copied(tiny_artifacts, INT8, tmp_path)
    content = bytearray(path.read_bytes())
    content[100] ^= 1
    path.write_bytes(content)
    assert execute(["inspect", str(path)]) == 8
    assert "WRONG: altered" in capsys.readouterr().err
    assert execute(["inspect", str(path), "--json"]) == 8
    assert json.loads(capsys.readouterr().out)["intact"] is False


@pytest.mark.parametrize("name", ["gone.tflite", "gone.onnx", "gone.xml", "gone.keras"])
def test_a_missing_file_is_one_line(name: str, tmp_path: Path, capsys: Capture) -> None:
    for command in (["inspect", str(tmp_path / name)], ["predict", str(tmp_path / name), "face.png"]):
        assert execute(command) == 8
        captured = capsys.readouterr()
        assert captured.err.count("error: ") == 1
        assert name in captured.err


@pytest.mark.parametrize("name", [*ARTIFACTS, "tiny.keras"])
def test_predict_whole_images(name: str, tiny_artifacts: Path, crops: list[str], capsys: Capture) -> None:
    assert execute(["predict", str(tiny_artifacts / name), *crops, "--whole-image", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["labels"] == ["red", "green", "blue"]
    assert [image["path"] for image in document["images"]] == crops
    faces = [image["faces"] for image in document["images"]]
    assert [face["label"] for (face,) in faces] == ["red", "green", "blue"]
    assert all(face["box"] is None and sum(face["probabilities"].values()) == pytest.approx(1) for (face,) in faces)


def test_predict_prints_a_table(tiny_artifacts: Path, crops: list[str], capsys: Capture) -> None:
    arguments = [
        "predict",
        str(tiny_artifacts / INT8),
        crops[1],
        "--whole-image",
        "--threads",
        "1",
        "--runtime",
        "litert",
    ]
    assert execute(arguments) == 0
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "green" in captured.err


def test_predict_finds_the_face(tiny_artifacts: Path, photo: str, capsys: Capture) -> None:
    assert execute(["predict", str(tiny_artifacts / INT8), photo, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["images"][0]["faces"]
    left, top, width, height = found["box"]
    assert abs(left + width / 2 - 164) < 30
    assert abs(top + height / 2 - 124) < 30


def test_predict_says_when_there_is_no_face(tiny_artifacts: Path, crops: list[str], capsys: Capture) -> None:
    assert execute(["predict", str(tiny_artifacts / INT8), crops[0]]) == 0
    assert f"no face found in {crops[0]}; if it is a face crop already, add --whole-image" in capsys.readouterr().err


def test_predict_refuses_what_is_no_image(tiny_artifacts: Path, tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "notes.png").write_text("not a picture")
    assert execute(["predict", str(tiny_artifacts / INT8), str(tmp_path / "notes.png")]) == 8
    assert "notes.png is not a readable image" in capsys.readouterr().err


def test_predict_needs_a_picture(tiny_artifacts: Path, capsys: Capture) -> None:
    assert execute(["predict", str(tiny_artifacts / INT8)]) == 2
    assert execute(["predict"]) == 2
    assert "at least one picture" in capsys.readouterr().err


def test_predict_names_a_missing_provider(tiny_artifacts: Path, crops: list[str], capsys: Capture) -> None:
    model = str(tiny_artifacts / "tiny-int8.onnx")
    assert execute(["predict", model, crops[0], "--runtime", "NoExecutionProvider"]) == 4
    assert "no NoExecutionProvider here" in capsys.readouterr().err


def test_the_zoo_is_the_default(
    tiny_artifacts: Path, tmp_path: Path, crops: list[str], monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    monkeypatch.setattr(models, "ZOO", tmp_path)
    assert execute(["predict", crops[0], "--whole-image"]) == 8
    assert "no model 'zoo:densenet121-int8'; this installation has: none" in capsys.readouterr().err
    (tmp_path / "densenet121").mkdir()
    copied(tiny_artifacts, INT8, tmp_path).rename(tmp_path / "densenet121/densenet121-int8.tflite")
    for arguments in (crops, ["zoo:densenet121-int8", *crops]):
        assert execute(["predict", *arguments, "--whole-image", "--json"]) == 0
        assert len(json.loads(capsys.readouterr().out)["images"]) == 3
    assert execute(["inspect", "zoo:densenet121-int8"]) == 0
    capsys.readouterr()
    assert execute(["inspect", "zoo:other"]) == 8
    assert "this installation has: zoo:densenet121-int8" in capsys.readouterr().err
    (tmp_path / "densenet121/README.md").write_text("a card", encoding="utf-8")
    assert execute(["convert", "zoo:densenet121", "--calibration", "faces", "--out", "out"]) == 8
    message = capsys.readouterr().err
    assert "the checkpoint 'zoo:densenet121' is not in this installation" in message
    assert "the file fer_edge/zoo/densenet121/densenet121.keras of fer-edge's source repository" in message
    assert execute(["models", "list"]) == 0
    assert "zoo:densenet121: checkpoint, in fer-edge's source repository only" in capsys.readouterr().out
