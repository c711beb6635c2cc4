"""Progress on stderr: a bar with the time left on a terminal, one line per epoch elsewhere."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

if TYPE_CHECKING:
    from fer_edge.training.state import Progress as TrainingProgress


class TrainingDisplay:
    """Shows a training's epochs; a context manager."""

    def __init__(self, epochs: int) -> None:
        self._console = Console(stderr=True, highlight=False)
        self._epochs = epochs
        self._bar = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} batches"),
            TimeRemainingColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._task: TaskID = self._bar.add_task("", total=None, epoch=1)

    def __enter__(self) -> TrainingDisplay:
        self._bar.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.stop()

    def say(self, message: str) -> None:
        """Print one line."""
        self._console.print(message, markup=False, soft_wrap=True)

    def batch(self, done: int, total: int) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=done, total=total)

    def epoch(self, progress: TrainingProgress, seconds: float) -> None:
        """Print what an epoch reached and how long the rest will take."""
        last = progress.history[-1]
        left = "" if progress.finished else f", about {_minutes(seconds * (self._epochs - progress.epoch))} left"
        self.say(
            f"{time.strftime('%H:%M:%S')} epoch {progress.epoch}/{self._epochs} "
            f"({last['size']:.0f} px, {seconds:.0f} s): "
            f"loss {last['loss']:.3f}, accuracy {last['accuracy']:.3f}; "
            f"tuning loss {last['val_loss']:.3f}, accuracy {last['val_accuracy']:.3f}{left}"
        )
        self._bar.update(self._task, completed=0, epoch=progress.epoch + 1)


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
