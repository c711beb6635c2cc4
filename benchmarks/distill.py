"""Targets out of what trained models say: `python -m benchmarks.distill MODEL... --data DATA --votes CSV --out CSV`.

Knowledge distillation (Hinton, Vinyals and Dean, "Distilling the knowledge in a neural network", 2015) through the file
that `fer-edge train --votes` takes: ten raters are a noisy estimate of what a crowd would say; models that were fitted
to many faces know part of what these ten could not.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack, closing
from pathlib import Path

import click
import numpy as np

from benchmarks.accuracy import predict_all
from benchmarks.models import open_model
from benchmarks.session import check_labels
from fer_edge.command_line import run_command
from fer_edge.data.folder import open_images
from fer_edge.data.votes import read_votes, write_votes
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
    with ExitStack() as stack:
        opened = []
        for name in models:
            opened.append(open_model(resolve_model(name)))
            stack.enter_context(closing(opened[-1].backend))
            check_labels(opened[-1], opened[0].labels, models[0])
        images = open_images(data, prefer="train", labels=opened[0].labels)
        crowd = read_votes(votes, images).shares
        given = [predict_all(model.backend, images, name) for name, model in zip(models, opened, strict=True)]
    write_votes(out, images, (1 - weight) * crowd + weight * np.mean(given, axis=0, dtype=np.float64), source=votes)
    click.echo(f"wrote {out}: {len(images)} images have new votes")


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
