"""A made-up set of labelled pictures with one of each flaw that an audit looks for."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fer_edge.preprocess import Image
from tests.support.pictures import png, texture

CLASSES = ("angry", "happy", "sad")
PER_CLASS = {"train": 12, "test": 4}


def grey(seed: int, size: int = 48) -> Image:
    """A smooth random picture without colour, uint8[size, size, 3]."""
    luma = cv2.cvtColor(texture(seed, size), cv2.COLOR_RGB2GRAY)
    return np.repeat(luma[:, :, None], 3, axis=2)


def jpeg(image: Image, quality: int = 70) -> bytes:
    """The picture encoded again, with loss."""
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1])


def write_sound(root: Path) -> dict[str, Image]:
    """Write different grey pictures as root/SUBSET/CLASS/NUMBER.png; returns them by name."""
    pictures = {
        f"{subset}/{label}/{number:02}.png": grey(1000 * s + 100 * c + number)
        for s, (subset, count) in enumerate(PER_CLASS.items())
        for c, label in enumerate(CLASSES)
        for number in range(count)
    }
    for name, picture in pictures.items():
        write(root, name, png(picture))
    return pictures


def write_flawed(root: Path) -> None:
    """Write a sound set and the flaws: the constants below say what an audit must find."""
    sound = write_sound(root)
    write(root, "train/happy/empty.png", b"")
    write(root, "train/happy/cut.jpg", jpeg(grey(9002))[:100])
    write(root, "train/sad/text.png", b"this is no picture")
    write(root, "train/sad/black.png", png(np.zeros((48, 48, 3), np.uint8)))
    write(root, "test/sad/white.jpg", jpeg(np.full((48, 48, 3), 255, np.uint8)))
    write(root, "train/angry/copy.png", png(sound["train/angry/00.png"]))
    write(root, "train/angry/again.jpg", jpeg(sound["train/angry/01.png"]))
    write(root, "train/happy/leak.png", png(sound["test/happy/00.png"]))
    write(root, "train/happy/nearleak.jpg", jpeg(sound["test/happy/01.png"]))
    write(root, "train/sad/other.png", png(sound["train/happy/03.png"]))
    write(root, "train/sad/leaked_other.jpg", jpeg(sound["test/angry/03.png"]))
    write(root, "train/happy/large.png", png(grey(9003, 64)))
    write(root, "train/happy/colour.png", png(texture(9004)))
    write(root, "train/happy/dark.png", png(grey(9005) // 8))
    write(root, "train/happy/bright.png", png(255 - grey(9006) // 8))
    write(root, "train/happy/blurred.png", png(np.asarray(cv2.GaussianBlur(grey(9007), (0, 0), 6), np.uint8)))


UNREADABLE = {"train/happy/empty.png", "train/happy/cut.jpg", "train/sad/text.png"}
FLAGGED = {
    "blank": {"train/sad/black.png", "test/sad/white.jpg"},
    "dark": {"train/happy/dark.png"},
    "bright": {"train/happy/bright.png"},
    "low_contrast": {"train/happy/dark.png", "train/happy/bright.png", "train/happy/blurred.png"},
    "blurred": {"train/happy/blurred.png"},
    "odd_size": {"train/happy/large.png"},
    "odd_colour": {"train/happy/colour.png"},
}
COPIES = {
    "leak": {
        ("test/happy/00.png", "train/happy/leak.png"),
        ("test/happy/01.png", "train/happy/nearleak.jpg"),
        ("test/angry/03.png", "train/sad/leaked_other.jpg"),
    },
    "conflict": {("test/angry/03.png", "train/sad/leaked_other.jpg"), ("train/happy/03.png", "train/sad/other.png")},
    "duplicate": {
        ("train/angry/00.png", "train/angry/copy.png"),
        ("train/angry/01.png", "train/angry/again.jpg"),
    },
}
LEFT_OUT = {"unreadable": 3, "blank": 2, "conflict": 4, "leak": 2, "duplicate": 2}


def write(root: Path, name: str, content: bytes) -> None:
    """Write one file of the set."""
    (root / name).parent.mkdir(parents=True, exist_ok=True)
    (root / name).write_bytes(content)
