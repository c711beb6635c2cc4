"""YuNet (Wu et al. 2023), for those who have its file: `--detector yunet:face_detection_yunet_2023mar.onnx`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fer_edge.errors import BadInputError, UsageError
from fer_edge.preprocess import Image
from fer_edge.runtime.faces.box import NEUTRAL, Detection

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

MIN_SCORE = 0.7
LONGEST = 640  # pixels; larger frames are scaled down, the model was trained for faces of 10 to 300 pixels


class YuNetDetector:
    """Finds faces with OpenCV's FaceDetectorYN.

    Args:
        file: path of the ONNX file.

    Raises:
        UsageError: no file was named.
        BadInputError: it is missing, or not YuNet.
    """

    framing = NEUTRAL  # not measured here: python -m benchmarks.face_framing --detector yunet:FILE

    def __init__(self, file: str) -> None:
        if not file:
            raise UsageError("YuNet needs its file", "Write yunet:face_detection_yunet_2023mar.onnx")
        if not Path(file).is_file():
            raise BadInputError(f"there is no file {file}", "It is in the OpenCV Zoo, under face_detection_yunet")
        try:
            self._detector = cv2.FaceDetectorYN.create(file, "", (LONGEST, LONGEST), MIN_SCORE)
            self._detector.detect(np.zeros((LONGEST, LONGEST, 3), np.uint8))
        except cv2.error as error:
            raise BadInputError(f"{file} is not YuNet: {error.err}", "Download it again") from error

    def detect(self, frame: Image) -> list[Detection]:
        """See `FaceDetector.detect`."""
        rows, columns = frame.shape[:2]
        scale = min(1.0, LONGEST / max(rows, columns))
        size = (max(1, round(columns * scale)), max(1, round(rows * scale)))
        small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA) if scale < 1 else frame
        self._detector.setInputSize(size)
        found = self._detector.detect(cv2.cvtColor(small, cv2.COLOR_RGB2BGR))[1]
        rows_found = [] if found is None else sorted(found.tolist(), key=lambda row: -row[14])
        return [Detection(self.framing.canonical(tuple(v / scale for v in row[:4])), row[14]) for row in rows_found]
