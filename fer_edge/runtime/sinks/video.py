"""The picture with boxes as a video file: video:PATH. Nothing is recorded unless this sink is named."""

from __future__ import annotations

import errno
import shutil
import tempfile
import time
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from fer_edge.errors import BadInputError, EnvironmentFailure, FerEdgeError, UsageError
from fer_edge.preprocess import Image
from fer_edge.runtime.sinks.annotate import annotated
from fer_edge.runtime.sinks.base import Published
from fer_edge.runtime.uri import Options, Uri

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

CODECS = {".mp4": "mp4v", ".avi": "MJPG"}
MIN_FREE = 32 * 2**20  # bytes; OpenCV does not say when the disk is full
LONGEST_WRITE_S = 0.5  # of one message: after a gap the film catches up over several


class VideoOptions(Options):
    """What may follow video:PATH?.

    Attributes:
        fps: pictures a second of the file; late ones are shown longer, so that the film keeps the camera's time.
    """

    fps: Annotated[float, Field(gt=0, le=240)] = 25.0


class VideoSink:
    """Takes the name at once, writes under another, and puts the film in its place when the run ends."""

    needs_frames = True
    shows_frames = True
    delivers = True
    writes_a_file = True

    def __init__(self, uri: Uri) -> None:
        self._path = Path(uri.target)
        if self._path.suffix.lower() not in CODECS:
            raise UsageError(f"{uri.text!r} names no {' or '.join(CODECS)} file", "Write video:faces.mp4")
        self._fps = uri.parse_options(VideoOptions).fps
        self._folder: Path | None = None
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._first_ns = self._written = 0
        self.leaves = f"boxes and labels into {self._path}"

    def open(self) -> None:
        """See `Sink.open`."""
        try:
            self._path.touch(exist_ok=False)
        except FileExistsError as error:
            raise BadInputError(f"{self._path} exists already", "Name another file, or remove it") from error
        except OSError as error:
            raise BadInputError(f"{self._path} cannot be written: {error.strerror}", "Name another place") from error
        self._folder = Path(tempfile.mkdtemp(prefix=".video-", dir=self._path.parent))

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
        end = time.monotonic() + LONGEST_WRITE_S
        while self._written < due and time.monotonic() < end:
            self._writer.write(picture)
            self._written += 1
        if shutil.disk_usage(self._path.parent).free < MIN_FREE:
            raise OSError(errno.ENOSPC, f"less than {MIN_FREE >> 20} MB are free", str(self._path))

    def close(self) -> None:
        """See `Sink.close`."""
        try:
            if self._writer is not None:
                self._writer.release()
                self._writer = None
                if not _has_picture(self._film()):
                    raise FerEdgeError(f"the film {self._path} could not be finished", "Is the disk full?")
                self._film().replace(self._path)
        finally:
            if self._path.is_file() and not self._path.stat().st_size:
                self._path.unlink()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)

    def _film(self) -> Path:
        assert self._folder is not None
        return self._folder / self._path.name

    def _start(self, pixels: Image) -> None:
        self._size = (pixels.shape[1], pixels.shape[0])
        codec = cv2.VideoWriter.fourcc(*CODECS[self._path.suffix.lower()])
        writer = cv2.VideoWriter(str(self._film()), codec, self._fps, self._size)
        if not writer.isOpened():
            raise EnvironmentFailure(f"OpenCV cannot write {self._path} here", "Name an .avi file")
        self._writer = writer


def _has_picture(film: Path) -> bool:
    reader = cv2.VideoCapture(str(film))
    try:
        return bool(reader.read()[0])
    finally:
        reader.release()
