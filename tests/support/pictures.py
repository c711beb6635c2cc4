"""Labelled pictures for tests: coloured squares that any network tells apart, and smooth random textures."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

from fer_edge.preprocess import Image

COLOURS = {"angry": (200, 40, 40), "happy": (220, 200, 40), "neutral": (120, 120, 120), "sad": (40, 60, 200)}


def texture(seed: int, size: int = 48) -> Image:
    """A smooth random picture, uint8[size, size, 3], RGB; another seed looks altogether different."""
    coarse = np.random.default_rng(seed).uniform(0, 255, (12, 12, 3)).astype(np.float32)
    return np.clip(cv2.resize(coarse, (size, size), interpolation=cv2.INTER_CUBIC), 0, 255).astype(np.uint8)


def png(image: Image) -> bytes:
    """Encode an RGB picture as PNG."""
    return bytes(cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1])


def square(label: str, rng: np.random.Generator, size: int = 32) -> Image:
    """A square in the label's colour on a noisy ground, uint8[size, size, 3], RGB."""
    image = rng.integers(0, 60, (size, size, 3), dtype=np.uint8)
    left, top = rng.integers(2, size // 3, 2)
    side = size // 2
    image[top : top + side, left : left + side] = COLOURS[label]
    return image


def write_squares(root: Path, per_class: int, seed: int = 0) -> Path:
    """Write `per_class` squares of every colour as root/LABEL/NUMBER.png; returns `root`."""
    rng = np.random.default_rng(seed)
    for label in COLOURS:
        (root / label).mkdir(parents=True)
        for i in range(per_class):
            (root / label / f"{i:04}.png").write_bytes(png(square(label, rng)))
    return root
