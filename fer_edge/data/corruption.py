"""Photos as cameras in trouble deliver them: blurred, dark or glaring, noisy, with the face half covered.

After the benchmark of Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
Perturbations" (ICLR 2019), with strengths in fractions of the image, so that they mean the same at every size.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

import cv2
import numpy as np

from fer_edge.data.folder import LabelledImages
from fer_edge.preprocess import Image


@dataclass(frozen=True)
class Corruption:
    """One kind of trouble at one strength.

    Attributes:
        kind: "blur" (Gaussian; standard deviation as a fraction of the shorter side), "light" (factor on the pixels,
            then clipped), "noise" (Gaussian; standard deviation as a fraction of the full range) or "occlusion" (a
            black rectangle of the image's shape somewhere inside; fraction of the area).
        strength: see `kind`.
    """

    kind: str
    strength: float

    @property
    def name(self) -> str:
        """For tables: "blur 3%", "light x0.5"."""
        return f"{self.kind} x{self.strength:g}" if self.kind == "light" else f"{self.kind} {self.strength:.0%}"


CORRUPTIONS = (
    Corruption("blur", 0.03),
    Corruption("blur", 0.06),
    Corruption("light", 0.5),
    Corruption("light", 0.25),
    Corruption("light", 1.5),
    Corruption("light", 2.0),
    Corruption("noise", 0.05),
    Corruption("noise", 0.1),
    Corruption("occlusion", 0.1),
    Corruption("occlusion", 0.25),
)


@dataclass(frozen=True)
class CorruptedImages(LabelledImages):
    """Labelled images of which each is corrupted when it is read, always in the same way.

    Attributes:
        corruption: what happens to them.
    """

    corruption: Corruption

    def image(self, index: int) -> Image:
        """Decode image `index` and corrupt it: uint8[h, w, 3], RGB, at its own size."""
        return corrupt(super().image(index), self.corruption, np.random.default_rng(index))


def corrupted(images: LabelledImages, corruption: Corruption) -> CorruptedImages:
    """The same images, in trouble."""
    return CorruptedImages(**{f.name: getattr(images, f.name) for f in fields(images)}, corruption=corruption)


def corrupt(image: Image, corruption: Corruption, random: np.random.Generator) -> Image:
    """Change an image.

    Args:
        image: uint8[h, w, 3], RGB in 0-255; it stays as it is.
        corruption: one of this module's.
        random: settles noise and the place of the occlusion.

    Returns:
        A new image of the same shape.
    """
    return _KINDS[corruption.kind](image, corruption.strength, random)


def _blur(image: Image, strength: float, _: np.random.Generator) -> Image:
    sigma = strength * min(image.shape[:2])
    return np.asarray(cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REPLICATE), np.uint8)


def _light(image: Image, strength: float, _: np.random.Generator) -> Image:
    return np.asarray(np.clip(np.round(image.astype(np.float32) * strength), 0, 255), np.uint8)


def _noise(image: Image, strength: float, random: np.random.Generator) -> Image:
    """The same in all channels: the photos may be grey, and a camera's colour noise is mostly lost in conversion."""
    noise = random.normal(0, 255 * strength, image.shape[:2])
    return np.asarray(np.clip(np.round(image + noise[..., None]), 0, 255), np.uint8)


def _occlude(image: Image, strength: float, random: np.random.Generator) -> Image:
    height, width = image.shape[:2]
    rows, columns = (max(round(side * strength**0.5), 1) for side in (height, width))
    top, left = random.integers(0, height - rows + 1), random.integers(0, width - columns + 1)
    result: Image = image.copy()
    result[top : top + rows, left : left + columns] = 0
    return result


_KINDS: dict[str, Callable[[Image, float, np.random.Generator], Image]] = {
    "blur": _blur,
    "light": _light,
    "noise": _noise,
    "occlusion": _occlude,
}
