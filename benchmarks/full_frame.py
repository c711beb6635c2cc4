"""What finding the face first costs: `python -m benchmarks.full_frame --data DATA`.

Labelled crops are pasted into frames, found by a detector, cut as `run` cuts them and classified, beside the same crops
classified as they are.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import click
import numpy as np

from benchmarks.face_framing import composed
from fer_edge.command_line import run_command
from fer_edge.data.folder import open_images
from fer_edge.evaluation.statistics import accuracy_difference_interval
from fer_edge.models import DEFAULT_MODEL
from fer_edge.preprocess import crop, preprocess
from fer_edge.runtime.faces import open_detector
from fer_edge.runtime.faces.box import overlap
from fer_edge.runtime.load import load

SAME = 0.3  # overlap of a detection with the pasted crop


@click.command()
@click.option("--data", required=True, help="Labelled face crops; their test/ where there is one.")
@click.option("--model", default=DEFAULT_MODEL, show_default=True)
@click.option("--detector", "names", multiple=True, default=("blazeface", "haar"), show_default=True)
@click.option("--count", default=1000, show_default=True)
@click.option("--seed", default=1, show_default=True)
def command(data: str, model: str, names: tuple[str, ...], count: int, seed: int) -> None:
    """Print, as JSON, the accuracy on crops and on full frames, over the faces that each detector found."""
    results = []
    with load(model) as backend:
        contract = backend.contract
        images = open_images(data, prefer="test", labels=contract.labels)
        for name in names:
            detector = open_detector(name)
            rows = []
            for index, frame, place in composed(images, min(count, len(images)), seed):
                found = [d.box for d in detector.detect(frame) if overlap(d.box, place) > SAME]
                if found:
                    faces = [crop(frame, found[0], contract), images.image(index)]
                    probabilities = backend.predict(np.stack([preprocess(face, contract) for face in faces]))
                    rows.append(probabilities.argmax(axis=1) == images.targets[index])
            if not rows:
                raise click.ClickException(f"{name} found none of the faces")
            in_frame, as_crop = np.array(rows).T
            difference = accuracy_difference_interval(as_crop, in_frame)
            results.append(
                {
                    "detector": name,
                    "frames": min(count, len(images)),
                    "found": len(rows),
                    "accuracy_crop": float(as_crop.mean()),
                    "accuracy_frame": float(in_frame.mean()),
                    "difference": float(in_frame.mean() - as_crop.mean()),
                    "difference_ci95": asdict(difference),
                }
            )
    click.echo(json.dumps({"schema_version": 1, "model": model, "seed": seed, "detectors": results}))


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
