"""The canonical face box, to which every detector's own box is brought.

A classifier that was trained on crops of one framing loses up to 15 points on crops of another. Detectors frame faces
each in its own way, so each has a `Framing` that was measured against the framing of the training crops
(`benchmarks/face_framing.py`); see docs/faces.md for a picture.
"""

from __future__ import annotations

from dataclasses import dataclass

from fer_edge.preprocess import Box


@dataclass(frozen=True)
class Detection:
    """A face that was found.

    Attributes:
        box: canonical: a square; left, top, width, height in pixels, and it may reach out of the frame.
        score: the detector's confidence, 0-1.
    """

    box: Box
    score: float


@dataclass(frozen=True)
class Framing:
    """How a detector's box becomes the canonical one.

    Attributes:
        right: how far the canonical centre lies to the right of the detector's, in sides of the detector's box.
        down: how far below, in the same unit.
        scale: canonical side divided by the detector's, both of a square of the same area.
    """

    right: float
    down: float
    scale: float

    def canonical(self, box: Box) -> Box:
        """The canonical box of what the detector calls `box`."""
        left, top, width, height = box
        side = (width * height) ** 0.5
        centre_x = left + width / 2 + self.right * side
        centre_y = top + height / 2 + self.down * side
        side *= self.scale
        return (centre_x - side / 2, centre_y - side / 2, side, side)


NEUTRAL = Framing(right=0.0, down=0.0, scale=1.0)  # leaves boxes as they are


def overlap(one: Box, other: Box) -> float:
    """Intersection over union of two boxes, 0-1."""
    width = min(one[0] + one[2], other[0] + other[2]) - max(one[0], other[0])
    height = min(one[1] + one[3], other[1] + other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    common = width * height
    return common / (one[2] * one[3] + other[2] * other[3] - common)
