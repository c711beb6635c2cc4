from __future__ import annotations

import subprocess
import sys
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
    assert sorted(p.name for p in tmp_path.iterdir()) == ["lock", "progress.json", "variables-2.npz"]


def test_the_best_weights_come_back(tmp_path: Path, model: keras.Model) -> None:
    state = StateFolder(tmp_path)
    for epoch, best in ((1, 0), (2, 2), (3, 2)):
        state.save(progress := Progress("run", epoch, best_epoch=best), changed(model, epoch))
    state.restore_best(progress, changed(model, 0))
    assert all((w == 2).all() for w in model.get_weights())
    assert sorted(p.name for p in tmp_path.glob("*.npz")) == ["best-2.npz", "variables-3.npz"]


def test_what_was_killed_between_two_files_changes_nothing(
    tmp_path: Path, model: keras.Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    state = StateFolder(tmp_path)
    state.save(Progress("run", 1, best_epoch=1), changed(model, 1))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("fer_edge.training.state.write_text_file", raise_interrupt)
        state.save(Progress("run", 2, best_epoch=2), changed(model, 2))
    progress = state.load("run", changed(model, 0))
    assert (progress.epoch, model.get_weights()[0].max()) == (1, 1)
    state.restore_best(progress, changed(model, 0))
    assert model.get_weights()[0].max() == 1


def raise_interrupt(*_: object) -> None:
    raise KeyboardInterrupt


def test_before_the_last_stage_the_last_epoch_is_the_best(tmp_path: Path, model: keras.Model) -> None:
    state = StateFolder(tmp_path)
    state.save(progress := Progress("run", 1), changed(model, 5))
    state.restore_best(progress, changed(model, 0))
    assert all((w == 5).all() for w in model.get_weights())


def test_two_processes_do_not_train_in_one_folder(tmp_path: Path) -> None:
    hold = "import fcntl, sys; f = open(sys.argv[1], 'a'); fcntl.lockf(f, fcntl.LOCK_EX); print(flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(tmp_path / "lock")], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as other:
        assert other.stdout is not None
        other.stdout.readline()
        with pytest.raises(BadInputError, match="another process trains"):
            StateFolder(tmp_path)
        other.communicate(b"\n")
    StateFolder(tmp_path)


def test_another_run_is_refused(tmp_path: Path, model: keras.Model) -> None:
    StateFolder(tmp_path).save(Progress("run", 1), model)
    with pytest.raises(BadInputError, match="belongs to a run with another recipe or other data"):
        StateFolder(tmp_path).load("other", model)


@pytest.mark.parametrize("name", ["variables-1.npz", "best-1.npz"])
def test_a_missing_file_is_noticed_at_once(tmp_path: Path, model: keras.Model, name: str) -> None:
    state = StateFolder(tmp_path)
    state.save(Progress("run", 1, best_epoch=1), model)
    (tmp_path / name).unlink()
    with pytest.raises(BadInputError, match="is damaged"):
        state.load("run", model)


@pytest.mark.parametrize("left", [0, 20])
@pytest.mark.parametrize("name", ["progress.json", "variables-1.npz", "best-1.npz"])
def test_a_damaged_state_is_refused(tmp_path: Path, model: keras.Model, name: str, left: int) -> None:
    state = StateFolder(tmp_path)
    state.save(progress := Progress("run", 1, best_epoch=1), model)
    (tmp_path / name).write_bytes((tmp_path / name).read_bytes()[:left])
    with pytest.raises(BadInputError, match="is damaged"):
        state.load("run", model)
        state.restore_best(progress, model)


def test_what_a_full_disk_left_is_cleared(tmp_path: Path) -> None:
    (tmp_path / ".writing-variables-2.npz").write_bytes(b"half")
    StateFolder(tmp_path).clear()
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_a_finished_run_is_refused_and_nothing_is_removed_yet(tmp_path: Path) -> None:
    (tmp_path / STATE).mkdir()
    (tmp_path / "densenet121.keras").write_bytes(b"finished")
    with pytest.raises(BadInputError, match="exists already"):
        check_output(tmp_path, "densenet121", overwrite=False)
    (tmp_path / ".writing-densenet121.keras").write_bytes(b"killed while it was written")
    check_output(tmp_path, "densenet121", overwrite=True)
    with pytest.raises(BadInputError, match="holds the run of densenet121.keras"):
        check_output(tmp_path, "resnet50v2", overwrite=True)
    assert (tmp_path / "densenet121.keras").read_bytes() == b"finished"
