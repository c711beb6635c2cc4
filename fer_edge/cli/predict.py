"""`fer-edge predict`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from fer_edge.contract import InputContract
    from fer_edge.preprocess import Box
    from fer_edge.runtime.backends.base import Backend
    from fer_edge.runtime.faces import FaceDetector

MODEL_SUFFIXES = (".keras", ".tflite", ".onnx", ".xml", ".bin")
SMALLEST_SIDE = 320  # pixels; a label would not fit into less
LARGEST_SIDE = 4096  # to which a picture is enlarged for that


@dataclass(frozen=True)
class _Face:
    """One classified face; `box` (left, top, width, height) is None for a whole picture."""

    box: Box | None
    label: str
    probabilities: dict[str, float]


@click.command("predict")
@click.argument("model_and_images", nargs=-1, required=True, metavar="[MODEL] IMAGE...")
@click.option("--whole-image", is_flag=True, help="Take each picture for a face crop instead of looking for faces.")
@click.option("--threads", type=click.IntRange(1), help="Processor threads; default: all.")
@click.option("--runtime", help="litert or tflite-runtime; ONNX execution providers; OpenVINO device.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for a copy of each picture with its faces marked.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document on stdout.")
def command(
    model_and_images: tuple[str, ...],
    whole_image: bool,
    threads: int | None,
    runtime: str | None,
    out: Path | None,
    as_json: bool,
) -> None:
    """Classify the faces in pictures.

    MODEL is a checkpoint, a converted model or zoo:NAME; without it, zoo:densenet121-int8.
    """
    from fer_edge.models import model_name, resolve_model
    from fer_edge.runtime.faces import open_default_detector
    from fer_edge.runtime.load import load

    model, images = _split(model_and_images)
    copies = _copies(images, out)
    path = resolve_model(model)
    with load(path, threads=threads, runtime=runtime) as backend:
        detector = None if whole_image else open_default_detector(lambda message: click.echo(message, err=True))
        found = {image: _faces(image, backend, detector) for image in images}
        if as_json:
            document = {
                "schema_version": 1,
                "model": model_name(path),
                "runtime": backend.runtime,
                "executed_precision": backend.executed_precision,
                "labels": list(backend.contract.labels),
                "images": [{"path": image, "faces": [vars(face) for face in faces]} for image, faces in found.items()],
            }
            click.echo(json.dumps(document, indent=2))
        else:
            _print(found, backend.contract)
    for image, copy in copies.items():
        _write_marked(image, found[image], copy)
        click.echo(f"{image}: copied to {copy}", err=True)
    for image, faces in found.items():
        if not faces:
            click.echo(f"no face found in {image}; if it is a face crop already, add --whole-image", err=True)


def _split(arguments: tuple[str, ...]) -> tuple[str, tuple[str, ...]]:
    """Tell the model from the images."""
    from fer_edge.models import DEFAULT_MODEL, PREFIX

    first, *others = arguments
    if not first.startswith(PREFIX) and not first.lower().endswith(MODEL_SUFFIXES):
        return DEFAULT_MODEL, arguments
    if not others:
        raise click.UsageError("name at least one picture after the model")
    return first, tuple(others)


def _faces(image: str, backend: Backend, detector: FaceDetector | None) -> list[_Face]:
    import numpy as np

    from fer_edge.preprocess import crop, preprocess, read_image

    frame, contract = read_image(image), backend.contract
    boxes: list[Box | None] = [None] if detector is None else [face.box for face in detector.detect(frame)]
    if not boxes:
        return []
    crops = [frame if box is None else crop(frame, box, contract) for box in boxes]
    rows = backend.predict(np.stack([preprocess(face, contract) for face in crops]))
    return [
        _Face(box, contract.labels[int(row.argmax())], dict(zip(contract.labels, row.tolist(), strict=True)))
        for box, row in zip(boxes, rows, strict=True)
    ]


def _copies(images: tuple[str, ...], out: Path | None) -> dict[str, Path]:
    """Where the marked copy of each picture goes; none without `out`."""
    from fer_edge.errors import BadInputError

    if out is None:
        return {}
    if out.is_file():
        raise BadInputError(f"--out {out} is a file", "Give a folder")
    copies = {image: out / f"{Path(image).stem}.png" for image in images}
    for copy in copies.values():
        if list(copies.values()).count(copy) > 1:
            raise click.UsageError(f"several pictures would become {copy}: give each another --out")
        if copy.exists():
            raise BadInputError(f"{copy} exists already", "Give another --out")
    return copies


def _write_marked(image: str, faces: list[_Face], copy: Path) -> None:
    """Write a picture, enlarged where it is too small for a label, with a box and a label for each face."""
    import numpy as np

    from fer_edge.preprocess import read_image, write_png
    from fer_edge.runtime.sinks.annotate import mark

    import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

    frame = read_image(image)
    short, long = sorted(frame.shape[:2])
    scale = max(1.0, min(SMALLEST_SIDE / short, LARGEST_SIDE / long))
    picture = np.asarray(cv2.resize(frame, None, fx=scale, fy=scale), np.uint8)
    for number, face in enumerate(faces):
        box = np.multiply(face.box or (0, 0, *frame.shape[1::-1]), scale).tolist()
        mark(picture, tuple(box), f"{face.label} {face.probabilities[face.label]:.2f}", number)
    copy.parent.mkdir(parents=True, exist_ok=True)
    write_png(copy, picture)


def _print(found: dict[str, list[_Face]], contract: InputContract) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table("Picture", "Face", "Label")
    for label in contract.labels:
        table.add_column(Text(label), justify="right")
    for image, faces in found.items():
        for face in faces:
            where = "whole" if face.box is None else "{2:.0f}x{3:.0f} at {0:.0f},{1:.0f}".format(*face.box)
            values = (f"{value:.3f}" for value in face.probabilities.values())
            table.add_row(Text(image), where, Text(face.label, "bold"), *values)
    if table.row_count:
        Console(stderr=True).print(table)
