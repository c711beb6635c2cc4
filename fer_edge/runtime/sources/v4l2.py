"""USB cameras and others with a Video4Linux device: v4l2:///dev/video0."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import Field

from fer_edge.errors import EnvironmentFailure, UsageError
from fer_edge.runtime.sources.base import FrameSource, RawFrame, SourceLostError
from fer_edge.runtime.sources.colour import PixelFormat
from fer_edge.runtime.uri import Options, Size, Uri

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits


class V4l2Options(Options):
    """What may follow v4l2:///dev/videoN?; the camera takes the nearest that it has.

    Attributes:
        size: WIDTHxHEIGHT, pixels.
        fps: frames a second.
    """

    size: Size = (640, 480)
    fps: Annotated[int, Field(ge=1, le=240)] = 30


class V4l2Source(FrameSource):
    """A camera read by OpenCV's Video4Linux driver, with one buffer, so that frames are fresh."""

    def __init__(self, uri: Uri) -> None:
        super().__init__(uri)
        self._device = uri.target
        if not self._device.startswith("/dev/"):
            raise UsageError(f"{uri.text!r} names no device", "Write v4l2:///dev/video0")
        self._options = uri.parse_options(V4l2Options)
        self._video: cv2.VideoCapture | None = None

    def _open(self) -> None:
        if not Path(self._device).exists():
            raise EnvironmentFailure(f"there is no camera {self._device}", "List them: v4l2-ctl --list-devices")
        if not cv2.videoio_registry.hasBackend(cv2.CAP_V4L2):
            raise EnvironmentFailure(
                f"OpenCV {cv2.__version__} here cannot read Video4Linux",
                "pip install 'opencv-python-headless>=4.10,<5'",
            )
        width, height = self._options.size
        settings = [cv2.CAP_PROP_FRAME_WIDTH, width, cv2.CAP_PROP_FRAME_HEIGHT, height]
        settings += [cv2.CAP_PROP_FPS, self._options.fps, cv2.CAP_PROP_BUFFERSIZE, 1]
        self._video = cv2.VideoCapture(self._device, cv2.CAP_V4L2, settings)
        if not self._video.isOpened():
            raise EnvironmentFailure(
                f"{self._device} gives no pictures, or another program has it",
                f"See who: fuser {self._device}; may you read it: sudo usermod -aG video $USER, then log in again",
            )

    def _read(self) -> RawFrame | None:
        assert self._video is not None
        found, pixels = self._video.read()
        if not found:
            raise SourceLostError(f"{self._device} stopped giving frames", "Is the camera still plugged in?")
        return RawFrame(np.asarray(pixels, np.uint8), PixelFormat.BGR)

    def _close(self) -> None:
        if self._video is not None:
            self._video.release()
            self._video = None
