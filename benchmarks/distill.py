"""Targets out of what trained models say: `python -m benchmarks.distill MODEL... --data DATA --votes CSV --out CSV`.

Knowledge distillation (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015) through the file
that `fer-edge train --votes` takes: ten raters are a noisy estimate of what a crowd would say; models that were fitted
to many faces know part of what these ten could not.
"""

from __future__ import annotations

import sys
from contextlib import closing
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

from benchmarks.accuracy import predict_all
from benchmarks.models import open_model
from fer_edge.command_line import run_command
from fer_edge.data.folder import open_images
from fer_edge.data.votes import read_votes, write_votes
from fer_edge.errors import DataError
from fer_edge.models import resolve_model


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--data", required=True, help="The images to fit, for example RUN/split.json#train.")
@click.option("--votes", required=True, type=click.Path(path_type=Path), help="What the crowd said of them.")
@click.option("--weight", default=0.5, show_default=True, type=click.FloatRange(0, 1), help="The models' part.")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="CSV file to write.")
def command(models: tuple[str, ...], data: str, votes: Path, weight: float, out: Path) -> None:
    """Write the votes of DATA's images as shares, mixed with the mean of the models' probabilities."""
    if out.exists():
        raise click.UsageError(f"{out} exists already: remove it, or give another name")
    labels, probabilities = _mean_probabilities(models, data)
    images = open_images(data, prefer="train", labels=labels)
    shares = (1 - weight) * read_votes(votes, images).shares + weight * probabilities
    write_votes(out, images, shares, source=votes)
    click.echo(f"wrote {out}: {len(images)} images have new votes")


def _mean_probabilities(models: tuple[str, ...], data: str) -> tuple[tuple[str, ...], npt.NDArray[np.float64]]:
    labels: tuple[str, ...] | None = None
    answers = []
    for model in models:
        opened = open_model(resolve_model(model))
        labels = labels or opened.labels
        if opened.labels != labels:
            raise DataError(f"{model} knows {', '.join(opened.labels)}", f"Give models that know {', '.join(labels)}")
        with closing(opened.backend):
            answers.append(predict_all(opened.backend, open_images(data, prefer="train", labels=labels), model))
    assert labels is not None  # Click requires a model
    return labels, np.mean(answers, axis=0, dtype=np.float64)


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
