"""What a training run needs to go on after it was stopped: kept on disk, replaced at every epoch boundary."""

from __future__ import annotations

import fcntl
import json
import os
import zipfile
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

from fer_edge.errors import BadInputError
from fer_edge.whole_file import WRITING, whole_file, write_text_file


@dataclass
class Progress:
    """Where a run stands.

    Attributes:
        identity: hash of recipe, data and architecture; a state of another run is refused.
        epoch: finished epochs.
        history: one record per finished epoch.
        best_loss: lowest validation loss of the last stage.
        best_epoch: the epoch (from 1) that reached it; 0 before the last stage.
        finished: no epoch is left, or patience ran out.
    """

    identity: str
    epoch: int = 0
    history: list[dict[str, float]] = field(default_factory=list)
    best_loss: float = float("inf")
    best_epoch: int = 0
    finished: bool = False


class StateFolder:
    """Reads and writes progress, all variables of model and optimizer, and the best weights so far.

    Attributes:
        last_good: where a checkpoint of the best weights belongs when the training cannot go on.
        logs: the folder for TensorBoard's files.

    Raises:
        BadInputError: another process trains in this folder.
    """

    def __init__(self, folder: Path) -> None:
        self._progress = folder / "progress.json"
        self.last_good = folder / "last-good.keras"
        self.logs = folder / "tensorboard"
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT)  # held as long as the process lives
        try:
            fcntl.lockf(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, PermissionError) as error:
            raise BadInputError(
                f"another process trains in {folder.parent}", "Wait for its end, stop it, or give another --out"
            ) from error
        except OSError:  # a network drive without locks
            pass

    def load(self, identity: str, model: keras.Model) -> Progress:
        """Restore `model` and its optimizer to the last epoch boundary; a fresh Progress where there is none.

        Raises:
            BadInputError: the folder belongs to another run, or is damaged.
        """
        if not self._progress.is_file():
            return Progress(identity)
        try:
            progress = Progress(**json.loads(self._progress.read_text()))
            if progress.identity != identity:
                raise BadInputError(
                    f"{self._progress.parent} belongs to a run with another recipe or other data",
                    "Give another --out, or --overwrite to start again",
                )
            if progress.best_epoch and not self._best(progress.best_epoch).is_file():
                raise ValueError(f"no {self._best(progress.best_epoch).name}")
        except (OSError, ValueError, TypeError) as error:
            raise self._damaged(error) from error
        model.optimizer.build(model.trainable_variables)
        self._restore(self._variables(progress.epoch), _everything(model))
        return progress

    def save(self, progress: Progress, model: keras.Model) -> None:
        """Write everything of this epoch, then the small file that points to it, then drop the epochs before."""
        if progress.best_epoch == progress.epoch:
            self._store(self._best(progress.epoch), model.weights)
        self._store(self._variables(progress.epoch), _everything(model))
        write_text_file(self._progress, json.dumps(asdict(progress)))
        for path in self._arrays() - {self._variables(progress.epoch), self._best(progress.best_epoch)}:
            path.unlink(missing_ok=True)

    def restore_best(self, progress: Progress, model: keras.Model) -> None:
        """Bring back the weights of the best epoch; before the last stage, which alone chooses it, those of the last.

        Raises:
            BadInputError: they are damaged.
        """
        if progress.best_epoch:
            self._restore(self._best(progress.best_epoch), model.weights)
        else:
            self._restore(self._variables(progress.epoch), _everything(model))

    def clear(self) -> None:
        """Forget the run."""
        unfinished = self._progress.parent.glob(f"{WRITING}*")  # of a process that was killed
        events = self.logs.glob("events.out.tfevents.*")
        for path in (self._progress, self.last_good, *self._arrays(), *events, *unfinished):
            path.unlink(missing_ok=True)

    def _variables(self, epoch: int) -> Path:
        return self._progress.with_name(f"variables-{epoch}.npz")

    def _best(self, epoch: int) -> Path:
        return self._progress.with_name(f"best-{epoch}.npz")

    def _arrays(self) -> set[Path]:
        return {path for kind in ("variables", "best") for path in self._progress.parent.glob(f"{kind}-*.npz")}

    @staticmethod
    def _store(path: Path, variables: list[keras.Variable]) -> None:
        with whole_file(path) as temporary:
            np.savez(temporary, **{f"v{i}": keras.ops.convert_to_numpy(v) for i, v in enumerate(variables)})

    def _restore(self, path: Path, variables: list[keras.Variable]) -> None:
        try:
            with path.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
                if len(stored.files) != len(variables):
                    raise ValueError(f"{path} holds {len(stored.files)} arrays, the model has {len(variables)}")
                for i, variable in enumerate(variables):
                    variable.assign(stored[f"v{i}"])
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile) as error:
            raise self._damaged(error) from error

    def _damaged(self, error: Exception) -> BadInputError:
        return BadInputError(
            f"the training state in {self._progress.parent} is damaged: {error}", "Start again with --overwrite"
        )


def _everything(model: keras.Model) -> list[keras.Variable]:
    return [*model.variables, *model.optimizer.variables]
