"""One file and one table line per face detector."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from fer_edge.errors import EnvironmentFailure, UsageError
from fer_edge.preprocess import Image
from fer_edge.registry import lookup
from fer_edge.runtime.faces.box import Detection, Framing

DETECTORS = {
    "blazeface": "fer_edge.runtime.faces.blazeface:BlazeFaceDetector",
    "haar": "fer_edge.runtime.faces.haar:HaarDetector",
    "yunet": "fer_edge.runtime.faces.yunet:YuNetDetector",
    "whole": "fer_edge.runtime.faces.whole:WholeFrame",
}
TAKES_FILE = ("yunet",)


class FaceDetector(Protocol):
    """Finds faces.

    Attributes:
        framing: brings its own boxes to the canonical one.
    """

    framing: Framing

    def detect(self, frame: Image) -> list[Detection]:
        """Find faces.

        Args:
            frame: uint8[H, W, 3], RGB.

        Returns:
            Canonical boxes with scores, the surest or largest first.
        """
        ...


def open_default_detector(say: Callable[[str], None]) -> FaceDetector:
    """BlazeFace where its file was fetched, else the Haar cascade, which needs none; `say` receives what is missing.

    Raises:
        EnvironmentFailure: neither is here.
    """
    try:
        return open_detector("blazeface")
    except EnvironmentFailure as error:
        detector = open_detector("haar")
        say(f"{error.message}, so faces are looked for with the slower Haar cascade. {error.remedy}")
        return detector


def open_detector(text: str) -> FaceDetector:
    """Make the detector that `DETECTORS` holds under a name; "NAME:FILE" for one that takes a file.

    Raises:
        UsageError: unknown name, or a file given to one that takes none.
        EnvironmentFailure: what it needs is not here.
    """
    name, _, file = text.partition(":")
    kind = lookup(DETECTORS, name, "face detector")
    if name not in TAKES_FILE and file:
        raise UsageError(f"the face detector {name} takes no file", f"Write --detector {name}")
    detector: FaceDetector = kind(file) if name in TAKES_FILE else kind()
    return detector
