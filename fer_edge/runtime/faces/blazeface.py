"""BlazeFace, the short-range model (Bazarevsky et al. 2019): faces within about two metres, 2 ms a frame."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fer_edge.errors import EnvironmentFailure
from fer_edge.model_files import cached
from fer_edge.preprocess import Box, Image
from fer_edge.runtime.backends.tflite import open_interpreter
from fer_edge.runtime.faces.box import Detection, Framing, overlap

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

Floats = npt.NDArray[np.float32]

SIDE = 128  # of the model's input, pixels
MIN_SCORE = 0.5
SAME_FACE = 0.3  # boxes that overlap more are one face
MAX_LOGIT = 80.0
FRAMING = Framing(right=0.0, down=-0.105, scale=1.0)


class BlazeFaceDetector:
    """Finds faces with the file that `fer-edge models fetch blazeface` keeps.

    Raises:
        EnvironmentFailure: the file was not fetched, or no TFLite runtime is installed.
    """

    framing = FRAMING

    def __init__(self) -> None:
        path = cached("blazeface")
        if path is None:
            raise EnvironmentFailure("the face detector BlazeFace is not here yet", "fer-edge models fetch blazeface")
        self._interpreter: Any = open_interpreter(path, threads=1)[0]
        self._input = self._interpreter.get_input_details()[0]["index"]
        outputs = {detail["shape"][-1]: detail["index"] for detail in self._interpreter.get_output_details()}
        self._boxes, self._scores = outputs[16], outputs[1]
        self._anchors = _anchors()

    def detect(self, frame: Image) -> list[Detection]:
        """Find faces; see `FaceDetector.detect`."""
        rows, columns = frame.shape[:2]
        scale = SIDE / max(rows, columns)
        height, width = max(1, round(rows * scale)), max(1, round(columns * scale))
        canvas = np.full((1, SIDE, SIDE, 3), -1, np.float32)
        top, left = (SIDE - height) // 2, (SIDE - width) // 2
        small = cv2.resize(frame, (width, height), interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        canvas[0, top : top + height, left : left + width] = small.astype(np.float32) / 127.5 - 1
        self._interpreter.set_tensor(self._input, canvas)
        self._interpreter.invoke()
        raw = self._interpreter.get_tensor(self._boxes)[0]
        logits = self._interpreter.get_tensor(self._scores)[0, :, 0]
        scores = 1 / (1 + np.exp(-np.clip(logits, -MAX_LOGIT, MAX_LOGIT)))
        found = np.flatnonzero(scores >= MIN_SCORE)
        centres = (raw[found, :2] / SIDE + self._anchors[found]) * SIDE - (left, top)
        corners = np.hstack([centres - raw[found, 2:4] / 2, raw[found, 2:4]]) / scale
        merged = _merge(corners, scores[found])
        return [Detection(self.framing.canonical(box), score) for box, score in merged]


def _anchors() -> Floats:
    """Centres of the 896 anchors, 0-1: two for each cell of 16x16, six for each of 8x8."""
    parts = []
    for cells, repeats in ((16, 2), (8, 6)):
        y, x = np.mgrid[:cells, :cells]
        centres = (np.stack([x, y], axis=-1).reshape(-1, 2) + 0.5) / cells
        parts.append(np.repeat(centres, repeats, axis=0))
    return np.concatenate(parts).astype(np.float32)


def _merge(boxes: npt.NDArray[np.floating[Any]], scores: npt.NDArray[np.floating[Any]]) -> list[tuple[Box, float]]:
    """Average the boxes of one face, weighted by their scores (the paper's blending), the surest face first."""
    left = [int(i) for i in np.argsort(-scores)]
    faces: list[tuple[Box, float]] = []
    while left:
        best = left[0]
        one: Box = tuple(boxes[best].tolist())
        same = [i for i in left if i == best or overlap(one, tuple(boxes[i].tolist())) > SAME_FACE]
        mean: Box = tuple(np.average(boxes[same], axis=0, weights=scores[same]).tolist())
        faces.append((mean, float(scores[best])))
        left = [i for i in left if i not in same]
    return faces
