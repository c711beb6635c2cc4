from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from fer_edge.errors import BadInputError
from fer_edge.training.job import STATE, check_output
from fer_edge.training.state import Progress, StateFolder


@pytest.fixture
def model() -> keras.Model:
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(2)])
    model.compile("adam", "mse")
    model.optimizer.build(model.trainable_variables)
    return model


def changed(model: keras.Model, value: float) -> keras.Model:
    model.set_weights([np.full_like(w, value) for w in model.get_weights()])
    return model


def test_a_fresh_folder_starts_from_the_beginning(tmp_path: Path, model: keras.Model) -> None:
    assert StateFolder(tmp_path / "state").load("run", model) == Progress("run")


def test_the_last_epoch_comes_back(tmp_path: Path, model: keras.Model) -> None:
    state = StateFolder(tmp_path)
    for epoch in (1, 2):
        state.save(Progress("run", epoch, [{"epoch": float(epoch)}]), changed(model, epoch))
    assert state.load("run", changed(model, 0)) == Progress("run", 2, [{"epoch": 2.0}])
    assert all((w == 2).all() for w in model.get_weights())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["progress.json", "variables-2.npz"]


def test_the_best_weights_come_back(tmp_path: Path, model: keras.Model) -> None:
    state = StateFolder(tmp_path)
    state.save_best(changed(model, 5))
    state.restore_best(changed(model, 0))
    assert all((w == 5).all() for w in model.get_weights())


def test_another_run_is_refused(tmp_path: Path, model: keras.Model) -> None:
    StateFolder(tmp_path).save(Progress("run", 1), model)
    with pytest.raises(BadInputError, match="belongs to a run with another recipe or other data"):
        StateFolder(tmp_path).load("other", model)


@pytest.mark.parametrize("left", [0, 20])
@pytest.mark.parametrize("name", ["progress.json", "variables-1.npz", "best.npz"])
def test_a_damaged_state_is_refused(tmp_path: Path, model: keras.Model, name: str, left: int) -> None:
    state = StateFolder(tmp_path)
    state.save_best(model)
    state.save(Progress("run", 1), model)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:left])
    with pytest.raises(BadInputError, match="is damaged"):
        state.load("run", model)
        state.restore_best(model)


def test_what_a_full_disk_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".writing-variables-2.npz").write_bytes(b"half")
    StateFolder(tmp_path).clear()
    assert not list(tmp_path.iterdir())


def test_a_finished_run_is_refused_and_nothing_is_removed_yet(tmp_path: Path) -> None:
    (tmp_path / STATE).mkdir()
    (tmp_path / "densenet121.keras").write_bytes(b"finished")
    with pytest.raises(BadInputError, match="exists already"):
        check_output(tmp_path, "densenet121", overwrite=False)
    check_output(tmp_path, "densenet121", overwrite=True)
    with pytest.raises(BadInputError, match="holds the run of densenet121.keras"):
        check_output(tmp_path, "resnet50v2", overwrite=True)
    assert (tmp_path / "densenet121.keras").read_bytes() == b"finished"
