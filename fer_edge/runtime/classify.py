"""From tracked faces to steady labels."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np

from fer_edge.preprocess import Image, crop, preprocess
from fer_edge.runtime.backends.base import CheckedBackend, Probabilities
from fer_edge.runtime.faces.smoothing import LabelSmoother, Smoothed
from fer_edge.runtime.faces.tracking import TrackedFace
from fer_edge.runtime.message import Event, FaceResult, Message
from fer_edge.runtime.sources.base import Frame

Observer = Callable[[Sequence[Image], Sequence[int], Probabilities, int, int], None]


@dataclass(frozen=True)
class TrackedFrame:
    """A frame and the faces in it."""

    frame: Frame
    faces: tuple[TrackedFace, ...]


class FaceClassifier:
    """Cuts, classifies and smooths the faces of a frame.

    Args:
        backend: the model.
        smoother: its state belongs to this classifier.
        observe: is shown the crops of every frame; see `LiveComparison.observe`.
    """

    def __init__(self, backend: CheckedBackend, smoother: LabelSmoother, observe: Observer | None = None) -> None:
        self._backend, self._smoother, self._observe = backend, smoother, observe
        self._labels = backend.contract.labels

    def classify(self, tracked: TrackedFrame) -> Message:
        """The message of a frame."""
        frame, contract = tracked.frame, self._backend.contract
        results, events = [], []
        if tracked.faces:
            crops = [crop(frame.pixels, face.box, contract) for face in tracked.faces]
            faces = np.stack([preprocess(face, contract) for face in crops])
            started = perf_counter_ns()
            rows = self._backend.predict(faces)
            took_ns = perf_counter_ns() - started
            if self._observe is not None:
                self._observe(crops, [f.track_id for f in tracked.faces], rows, frame.captured_ns, took_ns)
            for face, row in zip(tracked.faces, rows, strict=True):
                smoothed = self._smoother.update(face.track_id, row, frame.captured_ns)
                result = self._result(face, smoothed)
                results.append(result)
                events += self._events(result, smoothed)
        for track_id, label, lasted_s in self._smoother.forget(frame.captured_ns):
            left = Event("left", track_id, self._labels[label], 0.0, frame.captured_ns, lasted_s=lasted_s)
            events.append(left)
        return Message(frame.seq, frame.captured_ns, tuple(results), tuple(events))

    def _result(self, face: TrackedFace, smoothed: Smoothed) -> FaceResult:
        values = [float(value) for value in smoothed.probabilities]
        label = self._labels[smoothed.label]
        probabilities = dict(zip(self._labels, values, strict=True))
        return FaceResult(face.track_id, face.box, label, values[smoothed.label], probabilities)

    def _events(self, face: FaceResult, smoothed: Smoothed) -> list[Event]:
        if smoothed.previous is None:
            return []
        if smoothed.previous < 0:
            return [Event("appeared", face.track_id, face.label, face.confidence, smoothed.since_ns)]
        before = self._labels[smoothed.previous]
        at_ns, lasted_s = smoothed.since_ns, smoothed.previous_s
        return [Event("became", face.track_id, face.label, face.confidence, at_ns, before, lasted_s)]
