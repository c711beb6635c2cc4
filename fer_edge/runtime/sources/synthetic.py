"""Drawn faces that wander and change their expression at known times: synthetic://?faces=2."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from fer_edge.preprocess import Box, Image
from fer_edge.runtime.sources.base import FrameSource, RawFrame
from fer_edge.runtime.sources.colour import PixelFormat
from fer_edge.runtime.sources.pace import Pace, RecordedTime
from fer_edge.runtime.uri import Options, Size, Uri
from fer_edge.synthetic import EXPRESSIONS, face

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

HOLD = 60  # frames between two changes of expression
RECORDED_FPS = 30.0  # by their time stamps, of frames that come as fast as they can


class SyntheticOptions(Options):
    """What may follow synthetic://?.

    Attributes:
        faces: people in the picture.
        size: WIDTHxHEIGHT, pixels.
        fps: pictures a second, late ones dropped; 0: each waits for the one before.
        frames: how many before the end; None for no end.
        seed: settles every pixel.
    """

    faces: Annotated[int, Field(ge=0, le=8)] = 1
    size: Size = (640, 480)
    fps: Annotated[float, Field(ge=0, le=1000)] = 30.0
    frames: Annotated[int, Field(ge=1)] | None = None
    seed: Annotated[int, Field(ge=0)] = 0


@dataclass(frozen=True)
class Actor:
    """One drawn person.

    Attributes:
        heads: a picture for each of `EXPRESSIONS`, uint8[S, S, 3], RGB.
        centre: of the path, pixels.
        reach: of the path, pixels.
        phase: where on it and in the list of expressions the person begins.
    """

    heads: tuple[Image, ...]
    centre: tuple[float, float]
    reach: tuple[float, float]
    phase: int

    def label(self, seq: int) -> str:
        """What the person shows in frame `seq`."""
        return EXPRESSIONS[(seq // HOLD + self.phase) % len(EXPRESSIONS)]

    def box(self, seq: int) -> Box:
        """Where the drawn picture lies in frame `seq`: left, top, width, height, pixels."""
        side = self.heads[0].shape[0]
        angle = seq / 90 + self.phase
        x = self.centre[0] + self.reach[0] * np.sin(angle)
        y = self.centre[1] + self.reach[1] * np.sin(1.7 * angle)
        return (float(round(x - side / 2)), float(round(y - side / 2)), float(side), float(side))


class SyntheticSource(FrameSource):
    """Frames drawn from numbers; the same seed gives the same pixels."""

    def __init__(self, uri: Uri) -> None:
        super().__init__(uri)
        self._options = uri.parse_options(SyntheticOptions)
        self.live = self._options.fps > 0
        self._clock = Pace(self._options.fps) if self.live else RecordedTime(RECORDED_FPS)
        self._seq = 0

    def _open(self) -> None:
        width, height = self._options.size
        rng = np.random.default_rng(self._options.seed)
        patches = rng.uniform(60, 190, (4, 5, 3)).astype(np.uint8)
        self._background = np.asarray(cv2.resize(patches, (width, height), interpolation=cv2.INTER_CUBIC), np.uint8)
        self.actors = [self._actor(i) for i in range(self._options.faces)]

    def _actor(self, number: int) -> Actor:
        width, height = self._options.size
        places = self._options.faces
        side = int(np.clip(min(height * 0.55, width * 0.9 / places), 32, 256))
        # The same generator state for every expression: the same person, pose and light.
        heads = tuple(face(label, np.random.default_rng((self._options.seed, number)), side) for label in EXPRESSIONS)
        centre = (width * (number + 0.5) / places, height / 2)
        reach = (max(0.0, width / places - side) / 2, max(0.0, height - side) / 2)
        return Actor(heads, centre, reach, number)

    def _read(self) -> RawFrame | None:
        if self._options.frames is not None and self._seq >= self._options.frames:
            return None
        frame = self._background.copy()
        for actor in self.actors:
            _paste(frame, actor.heads[EXPRESSIONS.index(actor.label(self._seq))], actor.box(self._seq))
        self._seq += 1
        return RawFrame(frame, PixelFormat.RGB, self._clock.wait())

    def _close(self) -> None:
        self.actors = []


def _paste(frame: Image, head: Image, box: Box) -> None:
    """Put a head into a frame in place, cut at the frame's borders."""
    left, top, side, _ = (int(v) for v in box)
    rows, columns = frame.shape[:2]
    x0, y0, x1, y1 = max(left, 0), max(top, 0), min(left + side, columns), min(top + side, rows)
    if x0 < x1 and y0 < y1:
        frame[y0:y1, x0:x1] = head[y0 - top : y1 - top, x0 - left : x1 - left]
