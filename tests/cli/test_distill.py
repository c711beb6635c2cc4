"""`python -m benchmarks.distill`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from click.testing import CliRunner

from benchmarks.distill import command
from benchmarks.models import open_model
from fer_edge.command_line import run_command
from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.data.votes import read_votes
from fer_edge.errors import ArtifactError
from tests.support.tiny_models import LABELS, make_contract, write_folder


@pytest.fixture
def data(tmp_path: Path) -> Path:
    write_folder(tmp_path / "data" / "train", 2)
    write_folder(tmp_path / "data" / "test", 2, seed=1)
    return tmp_path / "data"


@pytest.fixture
def votes(data: Path, tmp_path: Path) -> Path:
    """All votes for red."""
    names = [name for subset in ("train", "test") for name in open_images(f"{data}#{subset}", prefer="train").names]
    path = tmp_path / "votes.csv"
    path.write_text("file,blue,green,red\n" + "".join(f"{name},0,0,8\n" for name in names))
    return path


def test_the_fitted_images_get_votes_of_the_models_too(
    data: Path, votes: Path, tiny_artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([[0.2, 0.8, 0.0], [0.4, 0.2, 0.4]])
    monkeypatch.setattr("benchmarks.distill.predict_all", lambda _b, images, _m: [next(answers)] * len(images))
    model, out = str(tiny_artifacts / "tiny-int8.tflite"), tmp_path / "mixed.csv"
    arguments = [model, model, "--data", str(data), "--votes", str(votes), "--weight", "0.25", "--out", str(out)]
    done = CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert done.stdout == f"wrote {out}: 6 images have new votes\n"
    assert np.allclose(read_votes(out, _subset(data, "train")).shares, [0.75 + 0.25 * 0.3, 0.25 * 0.5, 0.25 * 0.2])
    assert np.allclose(read_votes(out, _subset(data, "test")).shares, [1, 0, 0])


def _subset(data: Path, name: str) -> LabelledImages:
    return open_images(f"{data}#{name}", prefer="train", labels=LABELS)


def test_a_file_that_is_there_is_kept(data: Path, votes: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = votes.read_text()
    assert run_command(command, ["any", "--data", str(data), "--votes", str(votes), "--out", str(votes)]) == 2
    assert "exists already" in capsys.readouterr().err
    assert votes.read_text() == before


def test_models_must_know_the_same_classes(
    data: Path, votes: Path, tiny_artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_artifacts / "tiny-int8.tflite"
    first, other = open_model(model), replace(open_model(model), backend=Mock(contract=make_contract(4)))
    monkeypatch.setattr("benchmarks.distill.open_model", Mock(side_effect=[first, other]))
    arguments = [str(model), str(model), "--data", str(data), "--votes", str(votes), "--out", str(tmp_path / "out.csv")]
    with pytest.raises(ArtifactError, match="has the labels red, green, blue, label 3"):
        CliRunner().invoke(command, arguments, catch_exceptions=False)
    assert not (tmp_path / "out.csv").exists()
