"""The picture with boxes as a video file: video:PATH. Nothing is recorded unless this sink is named."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from fer_edge.errors import BadInputError, EnvironmentFailure, UsageError
from fer_edge.preprocess import Image
from fer_edge.runtime.sinks.annotate import annotated
from fer_edge.runtime.sinks.base import Published
from fer_edge.runtime.uri import Options, Uri

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}


class VideoOptions(Options):
    """What may follow video:PATH?.

    Attributes:
        fps: pictures a second of the file; late ones are shown longer, so that the film keeps the camera's time.
    """

    fps: Annotated[float, Field(gt=0, le=240)] = 25.0


class VideoSink:
    """Writes under a temporary name, and renames it when the run ends."""

    needs_frames = True
    shows_frames = True

    def __init__(self, uri: Uri) -> None:
        self._path = Path(uri.target)
        if self._path.suffix.lower() not in CODECS:
            raise UsageError(f"{uri.text!r} names no {' or '.join(CODECS)} file", "Write video:faces.mp4")
        self._fps = uri.parse_options(VideoOptions).fps
        self._writing = self._path.with_name(f"writing-{self._path.name}")
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._first_ns = self._written = 0
        self.leaves = f"boxes and labels into {self._path}"

    def open(self) -> None:
        """See `Sink.open`."""
        if self._path.exists():
            raise BadInputError(f"{self._path} exists already", "Name another file, or remove it")
        if not self._path.absolute().parent.is_dir():
            raise BadInputError(f"{self._path} cannot be written: its folder is missing", "mkdir it")

    def write(self, published: Published) -> None:
        """See `Sink.write`."""
        if published.pixels is None:
            return
        message = published.message
        if self._writer is None:
            self._start(published.pixels)
            self._first_ns = message.captured_ns
        assert self._writer is not None
        picture = annotated(published.pixels, message)[..., ::-1]
        if picture.shape[1::-1] != self._size:
            picture = np.asarray(cv2.resize(picture, self._size), np.uint8)
        due = round((message.captured_ns - self._first_ns) * self._fps / 1e9) + 1
        for _ in range(due - self._written):
            self._writer.write(picture)
        self._written = max(due, self._written)

    def close(self) -> None:
        """See `Sink.close`."""
        if self._writer is not None:
            self._writer.release()
            self._writer = None
            self._writing.replace(self._path)

    def _start(self, pixels: Image) -> None:
        self._size = (pixels.shape[1], pixels.shape[0])
        codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        self._writer = cv2.VideoWriter(str(self._writing), codec, self._fps, self._size)
        if not self._writer.isOpened():
            self._writer = None
            raise EnvironmentFailure(
                f"OpenCV cannot write {self._path} here", "Name an .avi file, or give --no-frames and no video: sink"
            )
