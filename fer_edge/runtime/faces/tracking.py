"""The same number for the same face from frame to frame."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from fer_edge.preprocess import Box
from fer_edge.runtime.faces.box import Detection

FORGET_S = 0.7  # a face that was not seen for longer gets a new number
REACH = 0.9  # of its side a face may lie from where it was expected
SIZE_WEIGHT = 0.5  # what a doubled or halved size costs, in sides
POSITION_GAIN, VELOCITY_GAIN, SIZE_GAIN = 0.7, 0.3, 0.4  # of an alpha-beta filter


@dataclass(frozen=True)
class TrackedFace:
    """A face with its number.

    Attributes:
        track_id: the same for the same face as long as it is not out of sight for longer than `FORGET_S`.
        box: canonical; left, top, width, height in pixels.
    """

    track_id: int
    box: Box


@dataclass(frozen=True)
class _Track:
    """Centre, size and speed (pixels a second) at a time."""

    track_id: int
    x: float
    y: float
    width: float
    height: float
    seen_ns: int
    now_ns: int
    vx: float = 0.0
    vy: float = 0.0

    @property
    def side(self) -> float:
        return math.sqrt(self.width * self.height)

    @property
    def face(self) -> TrackedFace:
        return TrackedFace(self.track_id, (self.x - self.width / 2, self.y - self.height / 2, self.width, self.height))

    def at(self, now_ns: int) -> _Track:
        """Where it is expected at a time."""
        seconds = (now_ns - self.now_ns) / 1e9
        return replace(self, x=self.x + self.vx * seconds, y=self.y + self.vy * seconds, now_ns=now_ns)

    def corrected(self, box: Box) -> _Track:
        """Move towards a box that was found, at the time of `now_ns`."""
        seconds = max((self.now_ns - self.seen_ns) / 1e9, 1e-3)
        dx = box[0] + box[2] / 2 - self.x
        dy = box[1] + box[3] / 2 - self.y
        return replace(
            self,
            x=self.x + POSITION_GAIN * dx,
            y=self.y + POSITION_GAIN * dy,
            width=self.width + SIZE_GAIN * (box[2] - self.width),
            height=self.height + SIZE_GAIN * (box[3] - self.height),
            vx=self.vx + VELOCITY_GAIN * dx / seconds,
            vy=self.vy + VELOCITY_GAIN * dy / seconds,
            seen_ns=self.now_ns,
        )

    def distance(self, box: Box) -> float:
        """How unlike a box is, in sides of the face."""
        away = math.hypot(box[0] + box[2] / 2 - self.x, box[1] + box[3] / 2 - self.y) / self.side
        return away + SIZE_WEIGHT * abs(math.log2(math.sqrt(box[2] * box[3]) / self.side))


@dataclass
class FaceTracker:
    """Matches boxes to the faces that are expected, the most alike first, each expected at constant speed."""

    _tracks: list[_Track] = field(default_factory=list)
    _next_id: int = 1
    _updated_ns: int = 0

    def update(self, detections: Iterable[Detection], captured_ns: int) -> tuple[TrackedFace, ...]:
        """Take the faces found in a frame; returns them with their numbers, in the order of the numbers."""
        boxes = [detection.box for detection in detections if detection.box[2] > 0 and detection.box[3] > 0]
        expected = [track.at(captured_ns) for track in self._tracks]
        pairs = sorted((track.distance(box), i, j) for i, track in enumerate(expected) for j, box in enumerate(boxes))
        by_track: dict[int, int] = {}
        for distance, i, j in pairs:
            if distance <= REACH and i not in by_track and j not in by_track.values():
                by_track[i] = j
        seen = [expected[i].corrected(boxes[j]) for i, j in by_track.items()]
        seen += [self._begin(box, captured_ns) for j, box in enumerate(boxes) if j not in by_track.values()]
        missed = [track for i, track in enumerate(expected) if i not in by_track]
        self._updated_ns = captured_ns
        self._tracks = seen + [t for t in missed if captured_ns - t.seen_ns <= FORGET_S * 1e9]
        return tuple(sorted((track.face for track in seen), key=lambda face: face.track_id))

    def predict(self, captured_ns: int) -> tuple[TrackedFace, ...]:
        """Where the faces seen last are expected in a frame in which nobody looked for them."""
        seen = [track.at(captured_ns) for track in self._tracks if track.seen_ns == self._updated_ns]
        return tuple(sorted((track.face for track in seen), key=lambda face: face.track_id))

    def _begin(self, box: Box, captured_ns: int) -> _Track:
        number = self._next_id
        self._next_id += 1
        left, top, width, height = box
        return _Track(number, left + width / 2, top + height / 2, width, height, captured_ns, captured_ns)
