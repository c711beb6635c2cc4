"""Labelled crops from one's own camera: ask a person to show each expression, keep what the classifier would see."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_edge.contract import InputContract
from fer_edge.errors import BadInputError, UsageError
from fer_edge.preprocess import Image, crop, write_png
from fer_edge.runtime.faces import FaceDetector
from fer_edge.runtime.sources.base import BadFrameError, Frame, FrameSource
from fer_edge.whole_file import finished_files, write_text_file

RECORD = "capture.json"
CONSENT = (
    "The person in front of the camera agrees that pictures of the face are kept in this folder, to measure and "
    "improve the recognition of expressions. They can be deleted at any time: remove the folder."
)
COUNTDOWN = ("3", "2", "1")


@dataclass(frozen=True)
class CaptureSettings:
    """What to take.

    Attributes:
        classes: expressions to ask for, in this order.
        count: crops of each.
        every_s: seconds between two crops, so that they differ.
        countdown_s: seconds for each number of the countdown.
    """

    classes: Sequence[str]
    count: int = 20
    every_s: float = 0.2
    countdown_s: float = 1.0


class Capture:
    """Takes crops, cut from frames exactly as `run` cuts them, at their own size, without loss (PNG).

    Args:
        source: opened by the caller; live, or a recording that stands in for a camera.
        detector: the largest face counts.
        contract: supplies margin and labels.
        folder: gets one folder per class; more may be added to a folder of an earlier capture.
        say: tells the person what to do.
    """

    def __init__(
        self,
        source: FrameSource,
        detector: FaceDetector,
        contract: InputContract,
        folder: Path,
        say: Callable[[str], None],
    ) -> None:
        self._source, self._detector, self._contract = source, detector, contract
        self._folder, self._say = folder, say

    def take(self, settings: CaptureSettings) -> dict[str, int]:
        """Ask for each expression; returns how many crops of each class the folder now holds.

        Raises:
            UsageError: a class that the model does not know.
            BadInputError: the folder holds something else.
            BadInputError: the recording ended before all was taken; what was taken is kept.
        """
        if unknown := [name for name in settings.classes if name not in self._contract.labels]:
            labels = ", ".join(self._contract.labels)
            raise UsageError(f"the model does not know {unknown[0]!r}", f"Its classes are: {labels}")
        self._begin()
        for name in settings.classes:
            for number in COUNTDOWN:
                self._say(f"look {name}: {number}")
                self._watch(settings.countdown_s)
            self._take_class(name, settings)
        return self._counts()

    def _begin(self) -> None:
        if self._folder.exists() and any(self._folder.iterdir()) and not (self._folder / RECORD).is_file():
            raise BadInputError(f"{self._folder} holds something else", "Name another folder with --out")
        self._folder.mkdir(parents=True, exist_ok=True)
        record: dict[str, object] = {
            "schema_version": 1,
            "consent": CONSENT,
            "labels": list(self._contract.labels),
            "crop_margin": self._contract.crop_margin,
            "source": self._source.name,
            "detector": type(self._detector).__name__,
        }
        path = self._folder / RECORD
        if path.is_file():
            self._check_earlier(path, record)
        write_text_file(path, json.dumps(record, indent=1) + "\n")

    def _check_earlier(self, path: Path, record: dict[str, object]) -> None:
        """Refuse to mix crops of another framing with those that are there."""
        try:
            earlier = json.loads(path.read_text(encoding="utf-8"))
            other = [key for key in ("labels", "crop_margin", "detector") if earlier.get(key) != record[key]]
        except (OSError, ValueError, AttributeError) as error:
            raise BadInputError(f"{path} is damaged ({error})", "Name another folder with --out") from error
        if other:
            message = f"{self._folder} holds crops taken with another {' and '.join(other)}"
            raise BadInputError(message, "Name another folder with --out")

    def _take_class(self, name: str, settings: CaptureSettings) -> None:
        target = self._folder / name
        target.mkdir(exist_ok=True)
        taken, last_ns, without_face = 0, 0, 0
        while taken < settings.count:
            frame = self._read()
            if frame.captured_ns - last_ns < settings.every_s * 1e9:
                continue
            face = self._face(frame)
            if face is None:
                without_face += 1
                if without_face % 30 == 1:
                    self._say("no face in view")
                continue
            write_png(target / f"{time.time_ns()}.png", face)
            taken, last_ns = taken + 1, frame.captured_ns
        self._say(f"{name}: {taken} taken")

    def _face(self, frame: Frame) -> Image | None:
        found = self._detector.detect(frame.pixels)
        if not found:
            return None
        largest = max(found, key=lambda detection: detection.box[2] * detection.box[3])
        return crop(frame.pixels, largest.box, self._contract)

    def _watch(self, seconds: float) -> None:
        """Let frames pass, so that the camera's exposure settles and none is old."""
        started_ns = self._read().captured_ns
        while self._read().captured_ns - started_ns < seconds * 1e9:
            pass

    def _read(self) -> Frame:
        while True:
            try:
                frame = self._source.read()
            except BadFrameError:
                continue
            if frame is None:
                kept = ", ".join(f"{count} {name}" for name, count in self._counts().items()) or "nothing"
                message = f"{self._source.name} ended before all was taken; {self._folder} holds {kept}"
                raise BadInputError(message, "Use a longer recording, or ?loop=1")
            return frame

    def _counts(self) -> dict[str, int]:
        folders = (self._folder / label for label in self._contract.labels)
        return {folder.name: len(finished_files(folder, "*.png")) for folder in folders if folder.is_dir()}
