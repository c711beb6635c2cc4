"""Faces found by OpenCV's Haar cascade, which comes with OpenCV 4."""

from __future__ import annotations

from pathlib import Path

from fer_edge.errors import EnvironmentFailure
from fer_edge.preprocess import Image
from fer_edge.runtime.faces.box import Detection, Framing

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

CASCADE = "haarcascade_frontalface_default.xml"
MIN_FACE = 0.06  # of the frame's shorter side
MIN_FACE_PIXELS = 24  # what the cascade was trained on
FRAMING = Framing(right=0.0, down=0.0, scale=0.87)


class HaarDetector:
    """Finds upright frontal faces.

    Raises:
        EnvironmentFailure: OpenCV came without its cascades.
    """

    framing = FRAMING

    def __init__(self) -> None:
        folder = getattr(getattr(cv2, "data", None), "haarcascades", "")
        if not hasattr(cv2, "CascadeClassifier") or not Path(folder, CASCADE).is_file():
            raise EnvironmentFailure(
                f"OpenCV {cv2.__version__} has no {CASCADE} here", "pip install 'opencv-python-headless>=4.10,<5'"
            )
        self._cascade = cv2.CascadeClassifier(str(Path(folder, CASCADE)))

    def detect(self, frame: Image) -> list[Detection]:
        """See `FaceDetector.detect`; the largest face first, and every score is 1."""
        grey = cv2.equalizeHist(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY))
        smallest = max(MIN_FACE_PIXELS, round(MIN_FACE * min(grey.shape)))
        found = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=5, minSize=(smallest, smallest))
        boxes = [(float(x), float(y), float(width), float(height)) for x, y, width, height in found]
        boxes.sort(key=lambda box: box[2] * box[3], reverse=True)
        return [Detection(self.framing.canonical(box), 1.0) for box in boxes]
