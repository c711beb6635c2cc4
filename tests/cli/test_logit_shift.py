"""`python -m benchmarks.logit_shift`."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.logit_shift import command
from fer_edge.command_line import run_command
from fer_edge.errors import DataError
from tests.support.tiny_models import write_folder


def test_rare_classes_gain_recall(tiny_artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = write_folder(tmp_path / "data", 12, seed=5)
    for extra in sorted((data / "red").iterdir())[2:]:
        extra.unlink()
    unsure = np.tile(np.array([0.3, 0.4, 0.3], np.float32), (26, 1))  # red, green, blue
    monkeypatch.setattr("benchmarks.logit_shift.predict_all", lambda *_: unsure)
    model = str(tiny_artifacts / "tiny-int8.tflite")
    done = CliRunner().invoke(command, [model, "--data", str(data)], catch_exceptions=False)
    found = json.loads(done.stdout)
    assert found["n"] == 26
    assert [shift["power"] for shift in found["shifts"]] == [0, 0.25, 0.5, 1]
    assert [shift["recall"]["red"] for shift in found["shifts"]] == [0, 1, 1, 1]
    assert found["shifts"][0]["recall"]["green"] == 1
    assert found["shifts"][3]["accuracy"]["value"] == pytest.approx(2 / 26)


def test_a_class_without_images_has_no_share(tiny_artifacts: Path, tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", 4)
    shutil.rmtree(data / "green")
    with pytest.raises(DataError, match="no image of green"):
        CliRunner().invoke(
            command, [str(tiny_artifacts / "tiny-int8.tflite"), "--data", str(data)], catch_exceptions=False
        )


def test_what_is_wrong_is_said_in_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    assert run_command(command, ["zoo:typo", "--data", "none"]) == 8
    assert capsys.readouterr().err.startswith("error: ")
