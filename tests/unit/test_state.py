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


@pytest.mark.parametrize("name", ["progress.json", "variables-1.npz"])
def test_a_damaged_state_is_refused(tmp_path: Path, model: keras.Model, name: str) -> None:
    StateFolder(tmp_path).save(Progress("run", 1), model)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:20])
    with pytest.raises(BadInputError, match="is damaged"):
        StateFolder(tmp_path).load("run", model)


def test_a_run_that_replaces_another_goes_on_after_an_interruption(tmp_path: Path) -> None:
    (tmp_path / STATE).mkdir()
    (tmp_path / "densenet121.keras").write_bytes(b"the one before")
    with pytest.raises(BadInputError, match="exists already"):
        check_output(tmp_path, "densenet121", overwrite=False)
    check_output(tmp_path, "densenet121", overwrite=True)
    check_output(tmp_path, "densenet121", overwrite=False)
