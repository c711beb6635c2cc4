"""The whole frame taken for a face crop: for cameras that look at one face, and for pictures that are crops."""

from __future__ import annotations

from fer_edge.preprocess import Image
from fer_edge.runtime.faces.box import NEUTRAL, Detection


class WholeFrame:
    """Finds one face, which fills the frame."""

    framing = NEUTRAL

    def detect(self, frame: Image) -> list[Detection]:
        """See `FaceDetector.detect`; the box is the frame's and need not be a square."""
        rows, columns = frame.shape[:2]
        return [Detection((0.0, 0.0, float(columns), float(rows)), 1.0)]
