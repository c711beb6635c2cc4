"""Recordings: file:clip.mp4, with loop=1 again and again, with realtime=1 at their own speed as a camera would."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from fer_edge import MAX_PIXELS
from fer_edge.errors import BadInputError
from fer_edge.runtime.sources.base import FrameSource, RawFrame
from fer_edge.runtime.sources.colour import PixelFormat
from fer_edge.runtime.sources.pace import Pace, RecordedTime
from fer_edge.runtime.uri import Options, Uri

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

DEFAULT_FPS = 30.0  # where the file does not say
MAX_FPS = 1000.0


class FileOptions(Options):
    """What may follow file:PATH?.

    Attributes:
        loop: begin again at the end.
        realtime: give frames at the recording's speed and drop those that come too late, as a camera does.
        fps: instead of the recording's own.
    """

    loop: bool = False
    realtime: bool = False
    fps: Annotated[float, Field(gt=0, le=MAX_FPS)] | None = None


class FileSource(FrameSource):
    """A video file, decoded by OpenCV's FFmpeg."""

    def __init__(self, uri: Uri) -> None:
        super().__init__(uri)
        self._path = Path(uri.target)
        self._options = uri.parse_options(FileOptions)
        self.live = self._options.realtime
        self._video: cv2.VideoCapture | None = None
        self._clock: Pace | RecordedTime = RecordedTime(DEFAULT_FPS)

    def _open(self) -> None:
        if not self._path.is_file():
            raise BadInputError(f"there is no video {self._path}", "Check the path")
        video = cv2.VideoCapture(str(self._path))
        self._video = video
        width, height = video.get(cv2.CAP_PROP_FRAME_WIDTH), video.get(cv2.CAP_PROP_FRAME_HEIGHT)
        if not video.isOpened() or width * height < 1:
            raise BadInputError(f"{self._path} is not a video that OpenCV can read", "Convert it: ffmpeg -i IN OUT.mp4")
        if width * height > MAX_PIXELS:
            raise BadInputError(f"{self._path} has {width:.0f}x{height:.0f} pixels a frame", "Scale it down")
        fps = self._options.fps or video.get(cv2.CAP_PROP_FPS)
        fps = fps if 0 < fps <= MAX_FPS else DEFAULT_FPS
        self._clock = Pace(fps) if self.live else RecordedTime(fps)

    def _read(self) -> RawFrame | None:
        assert self._video is not None
        found, pixels = self._video.read()
        if not found and self._options.loop and self._count:
            self._video.set(cv2.CAP_PROP_POS_FRAMES, 0)
            found, pixels = self._video.read()
        if not found:
            if not self._count:
                raise BadInputError(f"{self._path} holds no frame", "Convert it: ffmpeg -i IN OUT.mp4")
            return None
        return RawFrame(np.asarray(pixels, np.uint8), PixelFormat.BGR, self._clock.wait())

    def _close(self) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None
