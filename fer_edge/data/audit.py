"""What is wrong with labelled images: unreadable, blank, odd or blurred ones, duplicates, leaks and label conflicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from fer_edge.data.fingerprint import Indices, fingerprint, same_photo
from fer_edge.data.folder import LabelledImages
from fer_edge.errors import BadInputError, DataError
from fer_edge.manifest import Fingerprint
from fer_edge.preprocess import Image

BLANK_CONTRAST = 3.0  # luma levels; a flat picture has 0, saved as JPEG too, the flattest of 25,477 FER2013 faces 11.7
COLOUR_SPREAD = 2.0  # mean difference of the largest and smallest channel; grey pictures have 0, saved as JPEG too
COMMON_SHARE = 0.9  # a size or colour that so many share makes the others odd; without one, a set is mixed
OUTLIER = 3.5  # modified z-score, Iglewicz and Hoaglin, "How to Detect and Handle Outliers", 1993
SIDE = 64  # pixels to which sharpness is measured, whatever the picture's size

BLANK, DARK, BRIGHT, LOW_CONTRAST, BLURRED = "blank", "dark", "bright", "low_contrast", "blurred"
ODD_SIZE, ODD_COLOUR = "odd_size", "odd_colour"
COPIES = {
    "leak": "the same photo in several subsets",
    "conflict": "the same photo under several labels",
    "duplicate": "the same photo more than once in one class",
}
FLAGS = {
    BLANK: "one tone all over",
    DARK: "far darker than most",
    BRIGHT: "far brighter than most",
    LOW_CONTRAST: "far less contrast than most",
    BLURRED: "far less detail than most, for its contrast",
    ODD_SIZE: "another size than nearly all",
    ODD_COLOUR: "colour among grey ones, or grey among colour",
}


@dataclass(frozen=True)
class Measurement:
    """What an image's pixels say.

    Attributes:
        size: width and height, pixels.
        coloured: the channels differ.
        brightness: mean luma, 0-255.
        contrast: standard deviation of the luma.
        sharpness: variance of the Laplacian (Pech-Pacheco et al., "Diatom autofocusing in brightfield microscopy",
            2000) at 64x64 pixels, divided by the variance of the luma, so that a dim picture does not count as blurred.
    """

    size: tuple[int, int]
    coloured: bool
    brightness: float
    contrast: float
    sharpness: float
    fingerprint: Fingerprint


@dataclass(frozen=True)
class Audit:
    """What was found; numbers are indices into `images`.

    Attributes:
        images: all that were looked at.
        subsets: the subset of each.
        unreadable: image -> why it could not be read.
        sizes: (width, height) -> images.
        coloured: images whose channels differ.
        flagged: a key of `FLAGS` -> images.
        limits: a key of `FLAGS` -> the brightness, contrast or sharpness beyond which images were flagged.
        groups: images that show the same photo, two or more each, in order of their first.
        exact: fingerprint of the pixels of each image in a group.
    """

    images: LabelledImages
    subsets: tuple[str, ...]
    unreadable: dict[int, str]
    sizes: dict[tuple[int, int], int]
    coloured: int
    flagged: dict[str, tuple[int, ...]]
    limits: dict[str, float]
    groups: tuple[tuple[int, ...], ...]
    exact: dict[int, str]

    def label(self, index: int) -> str:
        """The label of an image."""
        return self.images.labels[int(self.images.targets[index])]

    def copies(self) -> dict[str, list[tuple[int, ...]]]:
        """The groups that leak, those that conflict (a group may do both), and those that are merely duplicates."""
        return {
            "leak": [g for g in self.groups if self.leaks(g)],
            "conflict": [g for g in self.groups if self.conflicts(g)],
            "duplicate": [g for g in self.groups if not (self.leaks(g) or self.conflicts(g))],
        }

    def leaks(self, group: Sequence[int]) -> bool:
        """Whether the group lies in several subsets."""
        return len({self.subsets[i] for i in group}) > 1

    def conflicts(self, group: Sequence[int]) -> bool:
        """Whether the group carries several labels."""
        return len({self.label(i) for i in group}) > 1

    def is_exact(self, group: Sequence[int]) -> bool:
        """Whether all of the group have the same pixels."""
        return len({self.exact[i] for i in group}) == 1


def audit(images: LabelledImages, subsets: tuple[str, ...], report: Callable[[int], None] = lambda done: None) -> Audit:
    """Look at every image.

    Args:
        images: what to look at.
        subsets: the subset of each (see `open_whole`).
        report: told how many are done.

    Raises:
        DataError: not one image can be read.
    """
    measured: dict[int, Measurement] = {}
    unreadable: dict[int, str] = {}
    for index in range(len(images)):
        try:
            measured[index] = measure(images.image(index))
        except BadInputError as error:
            unreadable[index] = error.message
        report(index + 1)
    if not measured:
        raise DataError(f"none of the {len(images)} images of {images.source} can be read", unreadable[0])
    blank = tuple(i for i, m in measured.items() if m.contrast < BLANK_CONTRAST)
    seen = sorted(
        measured.keys() - set(blank)
    )  # a blank image is a copy of all other blank ones, and far from the rest
    outliers, limits = _outliers({i: measured[i] for i in seen})
    odd_size = _odd({i: measured[i].size for i in seen})
    odd_colour = _odd({i: measured[i].coloured for i in seen})
    group = same_photo([measured[i].fingerprint for i in seen])
    groups = tuple(tuple(seen[k] for k in members) for members in _members(group) if len(members) > 1)
    return Audit(
        images,
        subsets,
        unreadable,
        sizes=dict(Counter(m.size for m in measured.values()).most_common()),
        coloured=sum(m.coloured for m in measured.values()),
        flagged={BLANK: blank, **outliers, ODD_SIZE: odd_size, ODD_COLOUR: odd_colour},
        limits=limits,
        groups=groups,
        exact={i: measured[i].fingerprint.exact for members in groups for i in members},
    )


def measure(image: Image) -> Measurement:
    """Measure an image, uint8[H, W, 3], RGB."""
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    mean, deviation = (float(v[0, 0]) for v in cv2.meanStdDev(luma))
    small = cv2.resize(luma, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    detail = float(cv2.meanStdDev(cv2.Laplacian(small, cv2.CV_32F))[1][0, 0]) ** 2
    spread = cv2.subtract(image.max(axis=2), image.min(axis=2))
    return Measurement(
        size=(image.shape[1], image.shape[0]),
        coloured=float(spread.mean()) > COLOUR_SPREAD,
        brightness=mean,
        contrast=deviation,
        sharpness=detail / max(deviation, 1e-3) ** 2,
        fingerprint=fingerprint(image),
    )


def _outliers(measured: dict[int, Measurement]) -> tuple[dict[str, tuple[int, ...]], dict[str, float]]:
    """Images far from the median by its own scale; ratios count where a value is a scale itself."""
    indices = np.array(list(measured), np.int64)
    values = np.array([(m.brightness, m.contrast, m.sharpness) for m in measured.values()]).reshape(-1, 3)
    brightness, contrast, sharpness = values[:, 0], np.log(values[:, 1]), np.log(np.maximum(values[:, 2], 1e-9))
    # The last number is the least median deviation: a set of equals flags no noise.
    rules: list[tuple[str, npt.NDArray[np.float64], int, float]] = [
        (DARK, brightness, -1, 4.0),
        (BRIGHT, brightness, 1, 4.0),
        (LOW_CONTRAST, contrast, -1, 0.1),
        (BLURRED, sharpness, -1, 0.15),
    ]
    flagged, limits = {}, {}
    for name, value, side, least in rules:
        middle = np.median(value) if len(value) else 0.0
        deviation = np.median(np.abs(value - middle)) if len(value) else 0.0
        limit = middle + side * OUTLIER / 0.6745 * max(deviation, least)
        flagged[name] = tuple(indices[side * (value - limit) > 0].tolist())
        limits[name] = float(limit if value is brightness else np.exp(limit))
    return flagged, limits


def _odd(kinds: Mapping[int, Hashable]) -> tuple[int, ...]:
    """Images that differ from what nearly all share; none where nothing is shared so widely."""
    for common, count in Counter(kinds.values()).most_common(1):
        if count >= COMMON_SHARE * len(kinds):
            return tuple(i for i, kind in kinds.items() if kind != common)
    return ()


def _members(group: Indices) -> list[list[int]]:
    members: dict[int, list[int]] = {}
    for index, first in enumerate(group.tolist()):
        members.setdefault(first, []).append(index)
    return list(members.values())
