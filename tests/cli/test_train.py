"""`fer-edge train`: which images it takes, and how it ends when it cannot go on."""

from __future__ import annotations

import shutil
from pathlib import Path

import keras
import numpy as np
import pytest

from fer_edge.checkpoint import read_checkpoint_info
from fer_edge.cli import execute
from fer_edge.training import job
from fer_edge.training.backbones import build_classifier
from fer_edge.training.loop import StoppedError
from fer_edge.training.state import Progress, StateFolder
from tests.support.pictures import write_squares

Capture = pytest.CaptureFixture[str]


def test_a_training_that_cannot_go_on_leaves_its_best_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: Capture
) -> None:
    def one_good_epoch(model: keras.Model, *rest: object) -> None:
        state, progress = rest[3:5]
        assert isinstance(state, StateFolder)
        assert isinstance(progress, Progress)
        model.optimizer.build(model.trainable_variables)
        progress.epoch = progress.best_epoch = 1
        state.save(progress, model)
        model.set_weights([np.full_like(w, np.nan) for w in model.get_weights()])
        raise StoppedError("the loss became nan", key="learning_rate")

    monkeypatch.setattr(job, "fit", one_good_epoch)
    data, out = write_squares(tmp_path / "data", 5), tmp_path / "out"
    assert execute(["train", "--data", str(data), "--recipe", "quickstart", "--out", str(out)]) == 1
    kept = out / "state" / "last-good.keras"
    err = " ".join(capsys.readouterr().err.split())
    assert "the loss became nan; the weights of epoch 1 are kept as" in err
    assert "Lower the recipe's learning_rate and go on from them: --weights" in err
    info = read_checkpoint_info(kept)
    assert info is not None
    assert info.training is not None
    assert (info.training.epochs, len(info.training.tuning)) == (1, 4)
    weights = build_classifier("densenet121", info.contract, str(kept)).get_weights()
    assert all(np.isfinite(w).all() for w in weights)


def test_classes_and_tuning_images_of_the_data_are_taken(tmp_path: Path, capsys: Capture) -> None:
    for subset, count in (("train", 5), ("tuning", 2)):
        write_squares(tmp_path / "data" / subset, count)
    shutil.copytree(tmp_path / "data/train/happy", tmp_path / "data/train/Ahegao")
    command = ["train", "--data", str(tmp_path / "data"), "--recipe", "quickstart"]
    command += ["--votes", str(tmp_path / "missing.csv"), "--out", str(tmp_path / "out")]
    assert execute(command) == 8
    err = capsys.readouterr().err
    assert "dropped: Ahegao (--classes keeps it)" in err
    assert "reading 20 images to fit and 8 to tune" in err
    assert execute([*command, "--classes", "happy,Ahegao"]) == 8
    assert "has Ahegao, happy under train/, and" in " ".join(capsys.readouterr().err.split())
