"""Two small trainings, one of them interrupted."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from fer_edge.cli import execute
from fer_edge.cli.progress import TrainingDisplay
from fer_edge.data.folder import open_images
from fer_edge.training.state import Progress
from tests.support.pictures import COLOURS, write_squares

RECIPE = """
stages = [{ size = 32, epochs = 2 }]
batch_size = 16
learning_rate = 1e-3
tuning_fraction = 0.2
batch_norm_images = 32
dtype = "float32"
temperature = true
half_kernels = true
[augmentation]
shift = 0.1
flip = true
"""


@dataclass(frozen=True)
class Runs:
    """A run in one go; one that went on from its state after epoch 1, with the recipe renamed; the second's command."""

    whole: Path
    resumed: Path
    command: list[str]


def train_twice(root: Path) -> Runs:
    """Train in folders below `root`."""
    whole, resumed = root / "whole", root / "resumed"
    for recipe in ("tiny.toml", "renamed.toml"):
        (root / recipe).write_text(RECIPE)
    data = write_squares(root / "data", 20)
    votes = [
        f"{name},{','.join('8' if f'/{label}/' in f'/{name}' else '1' for label in COLOURS)}"
        for name in open_images(data, prefer="train").names
    ]
    (root / "votes.csv").write_text("\n".join([f"file,{','.join(COLOURS)}", *votes]))
    given = ["train", "--data", str(data), "--limit", "60", "--votes", str(root / "votes.csv"), "--recipe"]

    def keep_first_state(_display: TrainingDisplay, progress: Progress, _seconds: float) -> None:
        if progress.epoch == 1:  # what a run leaves that is stopped now
            shutil.copytree(whole / "state", resumed / "state")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TrainingDisplay, "epoch", keep_first_state)
        assert execute([*given, str(root / "tiny.toml"), "--out", str(whole)]) == 0
    command = [*given, str(root / "renamed.toml"), "--out", str(resumed)]
    assert execute(command) == 0
    return Runs(whole, resumed, command)
