"""How detectors frame the faces of a labelled set: `python -m benchmarks.face_framing --data DATA`.

Crops are pasted into larger pictures and detected there. The median offset and size of the boxes, beside the crops, are
the detector's `Framing`: with the contract's margin around the canonical box, the crop of a camera is that of the data.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

import click
import numpy as np
import numpy.typing as npt

from fer_edge.command_line import run_command
from fer_edge.contract import InputContract
from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.preprocess import Box, Image
from fer_edge.runtime.faces import FaceDetector, open_detector
from fer_edge.runtime.faces.box import NEUTRAL

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

SIZE = (640, 480)
SIDES = (96, 240)  # of a pasted crop, pixels
MARGIN = InputContract.model_fields["crop_margin"].default


def composed(images: LabelledImages, count: int, seed: int) -> Iterator[tuple[int, Image, Box]]:
    """Paste `count` crops, one in each frame: the crop's index, uint8[480, 640, 3], and where the crop lies."""
    random = np.random.default_rng(seed)
    for index in random.choice(len(images), count, replace=False):
        side = int(random.integers(*SIDES))
        face = cv2.resize(images.image(int(index)), (side, side), interpolation=cv2.INTER_CUBIC)
        border = [int(random.integers(0, end - side)) for end in SIZE]
        patches = random.uniform(40, 210, (3, 4, 3)).astype(np.uint8)
        frame = np.asarray(cv2.resize(patches, SIZE, interpolation=cv2.INTER_LINEAR), np.uint8)
        frame[border[1] : border[1] + side, border[0] : border[0] + side] = face
        yield int(index), frame, (float(border[0]), float(border[1]), float(side), float(side))


def measure(detector: FaceDetector, frames: Iterator[tuple[int, Image, Box]]) -> tuple[npt.NDArray[np.float64], int]:
    """How the canonical boxes of pasted faces lie to the boxes that a detector gives.

    Args:
        detector: its `framing` must be neutral.
        frames: of `composed`.

    Returns:
        float64[N, 3], a row per face that was found: offset right and offset down, in sides of the detected box, and
        scale; and how many frames there were.
    """
    rows, count = [], 0
    for _index, frame, (left, top, side, _) in frames:
        count += 1
        found = detector.detect(frame)
        if len(found) != 1:
            continue
        x, y, width, height = found[0].box
        own = (width * height) ** 0.5
        centre = (left + side / 2 - x - width / 2, top + side / 2 - y - height / 2)
        rows.append((centre[0] / own, centre[1] / own, side / (1 + 2 * MARGIN) / own))
    return np.array(rows).reshape(-1, 3), count


@click.command()
@click.option("--data", required=True, help="Labelled face crops; their train/ where there is one.")
@click.option("--detector", "names", multiple=True, default=("blazeface", "haar"), show_default=True)
@click.option("--count", default=400, show_default=True)
@click.option("--seed", default=0, show_default=True)
def command(data: str, names: tuple[str, ...], count: int, seed: int) -> None:
    """Print how detectors frame the faces."""
    images = open_images(data, prefer="train")
    for name in names:
        detector = open_detector(name)
        detector.framing = NEUTRAL
        rows, total = measure(detector, composed(images, count, seed))
        low, median, high = np.quantile(rows, [0.25, 0.5, 0.75], axis=0)
        click.echo(f"{name}: found {len(rows)} of {total}")
        for what, *values in zip(("right", "down", "scale"), median, low, high, strict=True):
            click.echo(f"  {what} {values[0]:+.3f}, half of the faces in [{values[1]:+.3f}, {values[2]:+.3f}]")


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
