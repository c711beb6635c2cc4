"""Would class weights help?: `python -m benchmarks.logit_shift MODEL --data DATA`.

Training with class weights moves decisions toward the rare classes. Dividing a finished model's probabilities by powers
of the classes' shares moves them in the same way, without a training (logit adjustment: Menon et al., "Long-tail
learning via logit adjustment", ICLR 2021).
"""

from __future__ import annotations

import json
import sys
from contextlib import closing

import click
import numpy as np

from benchmarks.accuracy import predict_all
from benchmarks.models import open_model
from fer_edge.command_line import run_command
from fer_edge.data.folder import open_images
from fer_edge.errors import DataError
from fer_edge.evaluation.classification import classify
from fer_edge.evaluation.classification_report import estimate_document
from fer_edge.models import resolve_model

POWERS = (0.0, 0.25, 0.5, 1.0)  # 0: as the model is; 1: as if all classes were equally frequent


@click.command()
@click.argument("model")
@click.option("--data", required=True, help="Labelled images with the classes as frequent as in training, not test/.")
def command(model: str, data: str) -> None:
    """Print, as JSON, accuracy and macro-F1 with the probabilities shifted toward the rare classes."""
    opened = open_model(resolve_model(model))
    with closing(opened.backend):
        images = open_images(data, prefer="tuning", labels=opened.labels)
        probabilities = predict_all(opened.backend, images, model)
    shares = np.bincount(images.targets, minlength=len(opened.labels)) / len(images)
    if missing := [label for label, share in zip(opened.labels, shares, strict=True) if not share]:
        raise DataError(f"{data} holds no image of {', '.join(missing)}", "Take data with every class")
    results = []
    for power in POWERS:
        shifted = probabilities / shares**power
        scores = classify(images.targets, shifted / shifted.sum(axis=1, keepdims=True), opened.labels)
        results.append(
            {
                "power": power,
                "accuracy": estimate_document(scores.accuracy),
                "macro_f1": estimate_document(scores.macro_f1),
                "recall": {label: s.recall.value for label, s in scores.per_class.items()},
            }
        )
    click.echo(json.dumps({"schema_version": 1, "model": model, "n": len(images), "shifts": results}))


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
