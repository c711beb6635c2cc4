"""`python -m benchmarks.leaks`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.leaks import command
from tests.support.flawed import write
from tests.support.pictures import png, texture
from tests.support.tiny_models import LABELS


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Three training and six test photos, two of each class."""
    for i, label in enumerate(LABELS):
        write(tmp_path, f"train/{label}/{i}.png", png(texture(i)))
        for copy in range(2):
            write(tmp_path, f"test/{label}/{i}{copy}.png", png(texture(10 * (copy + 1) + i)))
    return tmp_path


def test_leaked_photos_are_counted_apart(data: Path, tiny_artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(data, f"train/{LABELS[0]}/leak.png", png(texture(10)))
    always_first = np.tile(np.array([1, 0, 0], np.float32), (6, 1))
    monkeypatch.setattr("benchmarks.leaks.predict_all", lambda *_: always_first)
    model = str(tiny_artifacts / "tiny-int8.tflite")
    done = CliRunner().invoke(command, [model, "--data", str(data)], catch_exceptions=False)
    [found] = json.loads(done.stdout)["models"]
    assert found["name"] == model
    counted = {part: (a["n"], a["value"]) for part, a in found["accuracy"].items()}
    assert counted == {"all": (6, pytest.approx(2 / 6)), "leaked": (1, 1.0), "without_leaked": (5, 0.2)}


def test_where_every_photo_is_leaked_no_other_is_counted(
    data: Path, tiny_artifacts: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(data / "test")
    shutil.copytree(data / "train", data / "test")
    monkeypatch.setattr("benchmarks.leaks.predict_all", lambda *_: np.eye(3, dtype=np.float32))
    done = CliRunner().invoke(command, [str(tiny_artifacts / "tiny-int8.tflite"), "--data", str(data)])
    [found] = json.loads(done.stdout)["models"]
    assert set(found["accuracy"]) == {"all", "leaked"}


def test_without_leaks_there_is_nothing_to_tell(data: Path) -> None:
    refused = CliRunner().invoke(command, ["any.tflite", "--data", str(data)])
    assert refused.exit_code == 2
    assert "no photo" in refused.output
