"""What leaked photos are worth: `python -m benchmarks.leaks MODEL... --data DATA`, DATA with train/ and test/."""

from __future__ import annotations

import json
import sys
from contextlib import closing

import click
import numpy as np

from benchmarks.accuracy import predict_all
from benchmarks.models import open_model
from fer_edge.command_line import run_command
from fer_edge.data.audit import audit
from fer_edge.data.folder import open_images, open_whole
from fer_edge.evaluation.classification import Rights, accuracy_estimate
from fer_edge.evaluation.classification_report import estimate_document
from fer_edge.models import resolve_model


@click.command()
@click.argument("models", nargs=-1, required=True)
@click.option("--data", required=True, help="Folder or zip with train/ and test/.")
def command(models: tuple[str, ...], data: str) -> None:
    """Print, as JSON, accuracy on the test images, on those that show a photo of another subset, and on the rest."""
    leaked = _leaked(data)
    if not leaked:
        raise click.UsageError(f"no photo of {data} is in test/ and in another subset")
    results = []
    for name in models:
        opened = open_model(resolve_model(name))
        with closing(opened.backend):
            images = open_images(f"{data}#test", prefer="test", labels=opened.labels)
            right: Rights = predict_all(opened.backend, images, name).argmax(axis=1) == images.targets
        seen = np.isin(images.names, sorted(leaked))
        parts = {"all": right, "leaked": right[seen], "without_leaked": right[~seen]}
        accuracies = {p: {"n": len(r), **estimate_document(accuracy_estimate(r))} for p, r in parts.items() if len(r)}
        results.append({"name": name, "accuracy": accuracies})
    click.echo(json.dumps({"schema_version": 1, "data": data, "models": results}))


def _leaked(data: str) -> set[str]:
    """Names of the test images that show a photo of another subset too."""
    found = audit(*open_whole(data))
    members = {i for group in found.groups if found.leaks(group) for i in group}
    return {found.images.names[i] for i in members if found.subsets[i] == "test"}


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
