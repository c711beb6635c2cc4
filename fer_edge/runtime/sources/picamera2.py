"""Raspberry Pi cameras: picamera2://0?size=1280x720&fps=30."""

from __future__ import annotations

import time
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from fer_edge.errors import EnvironmentFailure, MissingDependencyError, UsageError
from fer_edge.optional import require
from fer_edge.preprocess import Image
from fer_edge.runtime.sources.base import BadFrameError, FrameSource, RawFrame, SourceLostError, plausible_ns
from fer_edge.runtime.sources.colour import PixelFormat
from fer_edge.runtime.uri import Options, Size, Uri

# libcamera names formats by the order in a little-endian word, so that its RGB888 is BGR in memory.
_FORMATS = {
    "RGB888": PixelFormat.BGR,
    "BGR888": PixelFormat.RGB,
    "XRGB8888": PixelFormat.BGRX,
    "XBGR8888": PixelFormat.RGBX,
    "YUYV": PixelFormat.YUYV,
    "NV12": PixelFormat.NV12,
    "YUV420": PixelFormat.I420,
}
STALLED_S = 5.0
# Bytes of a pixel in one row of the buffer, and rows of the buffer for two rows of the picture.
_LAYOUTS = {PixelFormat.BGR: (3, 2), PixelFormat.RGB: (3, 2), PixelFormat.BGRX: (4, 2), PixelFormat.RGBX: (4, 2)}
_LAYOUTS |= {PixelFormat.YUYV: (2, 2), PixelFormat.NV12: (1, 3), PixelFormat.I420: (1, 3)}


class Picamera2Options(Options):
    """What may follow picamera2://N?.

    Attributes:
        size: WIDTHxHEIGHT, pixels.
        fps: frames a second.
    """

    size: Size = (1280, 720)
    fps: Annotated[float, Field(gt=0, le=240)] = 30.0


class Picamera2Source(FrameSource):
    """A camera of libcamera, read with picamera2; the format is the one that it says it delivers."""

    def __init__(self, uri: Uri) -> None:
        super().__init__(uri)
        if not (uri.target or "0").isdecimal():
            raise UsageError(f"{uri.text!r} names no camera", "Write picamera2://0")
        self._number = int(uri.target or "0")
        self._options = uri.parse_options(Picamera2Options)
        self._camera: Any = None

    def _open(self) -> None:
        module = _module()
        found = module.Picamera2.global_camera_info()
        if self._number >= len(found):
            raise EnvironmentFailure(
                f"libcamera sees {len(found)} cameras, none with number {self._number}",
                "Check the ribbon cable, then: rpicam-hello --list-cameras",
            )
        try:
            self._camera = module.Picamera2(self._number)
            wanted = {"size": self._options.size, "format": "RGB888"}
            configuration = self._camera.create_video_configuration(
                main=wanted, controls={"FrameRate": self._options.fps}, buffer_count=4, queue=False
            )
            self._camera.configure(configuration)
            self._camera.start()
        except (RuntimeError, ValueError, IndexError) as error:
            raise EnvironmentFailure(
                f"camera {self._number} does not start: {error}", "Close what uses it: sudo fuser /dev/media*"
            ) from error
        self._main = self._camera.camera_configuration()["main"]
        if self._main["format"] not in _FORMATS:
            raise EnvironmentFailure(f"camera {self._number} delivers {self._main['format']}", "Report this camera")

    def _read(self) -> RawFrame | None:
        job = self._camera.capture_request(wait=False)
        try:
            request = self._camera.wait(job, timeout=STALLED_S)
        except FutureTimeoutError as error:
            self._camera.cancel_all_and_flush()  # else the camera would wait for the frame when it is closed
            message = f"camera {self._number} gave no frame for {STALLED_S:.0f} s"
            raise SourceLostError(message, "Check the ribbon cable") from error
        try:
            buffer = request.make_buffer("main")
            captured_ns = request.get_metadata().get("SensorTimestamp")
        finally:
            request.release()
        if captured_ns is not None:  # by CLOCK_BOOTTIME
            captured_ns = plausible_ns(captured_ns + time.monotonic_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME))
        layout = _FORMATS[self._main["format"]]
        return RawFrame(_unpadded(buffer, self._main, layout), layout, captured_ns)

    def _close(self) -> None:
        if self._camera is not None:
            self._camera.stop()
            self._camera.close()
            self._camera = None


def _module() -> Any:  # noqa: ANN401 - untyped
    try:
        return require("picamera2", extra="picamera2")
    except MissingDependencyError as error:
        raise EnvironmentFailure(
            f"picamera2 does not import here ({error.__cause__})",
            "sudo apt install python3-picamera2, and make the environment with: "
            "python3 -m venv --system-site-packages .venv",
        ) from error


def _unpadded(buffer: Image, main: dict[str, Any], layout: PixelFormat) -> Image:
    """Cut the rows to the picture's width: cameras pad them to the stride that they like."""
    (width, height), stride = main["size"], main["stride"]
    width_bytes, rows_of_two = _LAYOUTS[layout]
    rows = height * rows_of_two // 2
    flat = np.asarray(buffer, np.uint8)
    if flat.size < rows * stride and layout is not PixelFormat.I420:
        raise BadFrameError(f"the camera gave {flat.size} bytes for {width}x{height} {layout.value}")
    if layout is PixelFormat.I420 and stride != width:
        return _unpadded_i420(flat, width, height, stride)
    pixels = flat[: rows * stride].reshape(rows, stride)[:, : width * width_bytes]
    channels = width_bytes if width_bytes > 1 else 0
    return np.ascontiguousarray(pixels).reshape((rows, width, channels) if channels else (rows, width))


def _unpadded_i420(flat: Image, width: int, height: int, stride: int) -> Image:
    """The chroma planes have half the stride."""
    luma = flat[: height * stride].reshape(height, stride)[:, :width]
    chroma = flat[height * stride : height * stride * 3 // 2].reshape(height, stride // 2)[:, : width // 2]
    return np.concatenate([luma.ravel(), chroma.ravel()]).reshape(height * 3 // 2, width)
