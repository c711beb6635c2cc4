"""What leaves the pipeline: one message for each frame, and events; the same in every sink."""

from __future__ import annotations

from dataclasses import asdict, dataclass

from fer_edge.preprocess import Box

SCHEMA_VERSION = 1


@dataclass(frozen=True)
class FaceResult:
    """One face of a frame.

    Attributes:
        track_id: the same for the same face from frame to frame.
        box: canonical; left, top, width, height in pixels.
        label: steady, see `fer_edge.runtime.faces.smoothing`.
        confidence: the label's averaged probability, 0-1.
        probabilities: of each label, averaged, sum 1.
    """

    track_id: int
    box: Box
    label: str
    confidence: float
    probabilities: dict[str, float]


@dataclass(frozen=True)
class Event:
    """A face appeared, changed its label or left.

    Attributes:
        kind: "appeared", "became" or "left".
        track_id: which face.
        label: what it shows now; for "left" what it showed last.
        confidence: of that label, 0-1; 0 for "left".
        at_ns: when, `time.monotonic_ns()`.
        before: the label before; empty where there was none.
        lasted_s: how long that one, or for "left" the last one, lasted, seconds.
    """

    kind: str
    track_id: int
    label: str
    confidence: float
    at_ns: int
    before: str = ""
    lasted_s: float = 0.0


@dataclass(frozen=True)
class Message:
    """What was seen in a frame.

    Attributes:
        seq: number of the frame at the source.
        captured_ns: when it was taken, `time.monotonic_ns()`.
        faces: those in it.
        events: what changed since the message before.
    """

    seq: int
    captured_ns: int
    faces: tuple[FaceResult, ...]
    events: tuple[Event, ...] = ()

    def document(self) -> dict[str, object]:
        """As JSON has it."""
        return {
            "schema_version": SCHEMA_VERSION,
            "seq": self.seq,
            "captured_ns": self.captured_ns,
            "faces": [{**asdict(face), "box": [round(v, 1) for v in face.box]} for face in self.faces],
            "events": [asdict(event) for event in self.events],
        }
