"""Labelled faces drawn from numbers: no photo, no download, the same for the same seed."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fer_edge.errors import BadInputError, UsageError
from fer_edge.preprocess import Image
from fer_edge.synthetic_drawing import (
    Canvas,
    draw_eyes,
    draw_glasses,
    draw_hair,
    draw_head,
    draw_mouth,
    draw_nose,
    draw_wrinkles,
)
from fer_edge.synthetic_parameters import EXPRESSIONS, expression, person, pose

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

__all__ = ["EXPRESSIONS", "face", "random_face", "write_dataset"]

SIZES = (32, 256)
DATASET_SIZE = 48  # pixels, as in the public sets of small faces


def face(label: str, rng: np.random.Generator, size: int = 64) -> Image:
    """Draw somebody who shows `label`, from a hint to full strength.

    Args:
        label: one of `EXPRESSIONS`.
        rng: settles person, pose, light and strength; the same state and size give the same pixels.
        size: side, 32-256 pixels.

    Returns:
        uint8[size, size, 3], RGB, 0-255; the head fills most of it.

    Raises:
        UsageError: unknown expression, or a size outside the range.
    """
    if label not in EXPRESSIONS:
        raise UsageError(f"there is no expression {label!r} to draw", f"Choose one of: {', '.join(EXPRESSIONS)}")
    if not SIZES[0] <= size <= SIZES[1]:
        raise UsageError(f"cannot draw a face of {size} pixels", f"Use {SIZES[0]} to {SIZES[1]}")
    shown, who, turned = expression(label, rng), person(rng), pose(rng)
    canvas = Canvas(_background(rng, size * (3 if size <= 64 else 2)), turned)
    draw_head(canvas, who, rng.uniform(20, 220, 3))
    draw_wrinkles(canvas, who, shown)
    draw_nose(canvas, who)
    draw_hair(canvas, who)
    draw_mouth(canvas, who, shown)
    draw_eyes(canvas, who, shown, turned)
    if who.glasses:
        draw_glasses(canvas, who, rng.uniform(10, 90, 3))
    return _photograph(canvas.picture, rng, size)


def random_face(rng: np.random.Generator, size: int = 64) -> Image:
    """Draw a face with any of the expressions; see `face`."""
    return face(EXPRESSIONS[rng.integers(len(EXPRESSIONS))], rng, size)


def _background(rng: np.random.Generator, side: int) -> Image:
    """Soft patches of colour with a few hard-edged shapes: uint8[side, side, 3]."""
    patches = (rng.uniform(30, 220) + rng.normal(0, 28, 3) + rng.normal(0, 22, (3, 3, 3))).clip(0, 255).astype(np.uint8)
    picture = np.asarray(cv2.resize(patches, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)
    for _ in range(rng.integers(4)):
        x, y, width, height = (rng.uniform(0, side, 4) * (1, 1, 0.6, 0.6)).astype(int).tolist()
        colour = (rng.uniform(20, 230) + rng.normal(0, 25, 3)).clip(0, 255)
        cv2.rectangle(picture, (x, y), (x + width, y + height), colour.tolist(), -1)
    return picture


def _photograph(drawn: Image, rng: np.random.Generator, size: int) -> Image:
    """Light, lens and sensor: a gradient of light, blur, noise and sometimes JPEG blocks or no colour."""
    picture = np.asarray(cv2.resize(drawn, (size, size), interpolation=cv2.INTER_AREA), np.float32)
    light = rng.uniform(0.7, 1.25) * (1 + rng.normal(0, 0.16, (2, 2, 1))) * (1 + rng.normal(0, 0.04, 3))
    shades = np.asarray(cv2.resize(light.astype(np.float32), (size, size), interpolation=cv2.INTER_LINEAR))
    picture *= shades.clip(0.3, 1.6)
    blur = rng.uniform(0, 0.011) * size
    if blur > 0.3:
        picture = np.asarray(cv2.GaussianBlur(picture, (0, 0), blur), np.float32)
    if rng.random() < 0.15:
        picture = np.repeat(picture.mean(axis=2, keepdims=True), 3, axis=2)
    noise = rng.standard_normal(picture.shape, np.float32) * np.float32(rng.uniform(1, 8))
    result: Image = (picture + noise).clip(0, 255).astype(np.uint8)
    if rng.random() < 0.4:
        quality = int(rng.integers(30, 90))
        _, encoded = cv2.imencode(".jpg", result, [cv2.IMWRITE_JPEG_QUALITY, quality])
        result = np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)
    return result


def write_dataset(
    folder: str | Path, train_per_class: int, test_per_class: int, seed: int, say: Callable[[str], None]
) -> None:
    """Draw a labelled set and write it as PNG under train/CLASS and test/CLASS, 48 pixels wide.

    Every picture has a generator of its own, so that the same seed gives the same picture whatever the counts are.
    The folder appears when it is complete.

    Args:
        folder: must not exist yet.
        train_per_class: pictures of each expression under train/.
        test_per_class: and under test/.
        seed: settles all pixels.
        say: receives a line about every class.

    Raises:
        BadInputError: `folder` exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise BadInputError(f"{folder} exists already", "Remove it, or name another folder")
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    for label_number, label in enumerate(EXPRESSIONS):
        for subset_number, (subset, count) in enumerate((("train", train_per_class), ("test", test_per_class))):
            target = partial / subset / label
            target.mkdir(parents=True)
            for i in range(count):
                picture = face(label, np.random.default_rng((seed, subset_number, label_number, i)), DATASET_SIZE)
                (target / f"{i:05d}.png").write_bytes(_png(picture))
        say(f"{label}: {train_per_class} to train, {test_per_class} to test")
    partial.replace(folder)


def _png(picture: Image) -> bytes:
    _, encoded = cv2.imencode(".png", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
    return encoded.tobytes()
