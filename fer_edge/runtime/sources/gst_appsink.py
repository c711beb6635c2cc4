"""A GStreamer pipeline read through python3-gi: no copy through a pipe, and only the newest frame is kept."""

from __future__ import annotations

import time
from typing import Any

import numpy as np

from fer_edge.errors import EnvironmentFailure
from fer_edge.preprocess import Image
from fer_edge.runtime.sources.base import BadFrameError, RawFrame, SourceLostError, plausible_ns
from fer_edge.runtime.sources.colour import PixelFormat
from fer_edge.runtime.sources.gstreamer import INSTALL, missing_element

FORMATS = {
    "RGB": PixelFormat.RGB,
    "BGR": PixelFormat.BGR,
    "RGBx": PixelFormat.RGBX,
    "BGRx": PixelFormat.BGRX,
    "GRAY8": PixelFormat.GREY,
    "YUY2": PixelFormat.YUYV,
    "NV12": PixelFormat.NV12,
    "I420": PixelFormat.I420,
}
CHANNELS = {"RGB": 3, "BGR": 3, "RGBx": 4, "BGRx": 4, "YUY2": 2}
# Without drop the sink queues frames, and a slow reader's are seconds old.
SINK = "videoconvert ! video/x-raw,format={{{formats}}} ! appsink name=fer_edge drop=true max-buffers=1 sync=false"
STALLED_S = 5.0
SECOND = 10**9


class AppsinkReader:
    """See `Reader`.

    Args:
        pipeline: without its sink.
    """

    def __init__(self, pipeline: str) -> None:
        gst = _gst()
        try:
            self._pipeline: Any = gst.parse_launch(f"{pipeline} ! {SINK.format(formats=','.join(FORMATS))}")
        except Exception as error:  # gi.repository.GLib.Error, untyped
            raise missing_element(str(getattr(error, "message", error))) from error
        self._gst = gst
        self._sink: Any = self._pipeline.get_by_name("fer_edge")
        started = self._pipeline.set_state(gst.State.PLAYING)
        if started == gst.StateChangeReturn.FAILURE or (problem := self._problem()):
            problem = self._problem() or "it does not start"
            self.close()
            raise missing_element(problem)

    def read(self) -> RawFrame | None:
        """See `Reader.read`."""
        deadline = time.monotonic() + STALLED_S
        while time.monotonic() < deadline:
            sample = self._sink.emit("try-pull-sample", SECOND // 10)
            if sample is not None:
                return self._frame(sample)
            if problem := self._problem():
                raise SourceLostError(f"the pipeline failed: {problem}", "Check the camera")
            if self._sink.get_property("eos"):
                return None
        raise SourceLostError(f"the pipeline gave no frame for {STALLED_S:.0f} s", "Check the camera")

    def close(self) -> None:
        """See `Reader.close`."""
        self._pipeline.set_state(self._gst.State.NULL)

    def _problem(self) -> str:
        message = self._pipeline.get_bus().pop_filtered(self._gst.MessageType.ERROR)
        return message.parse_error()[0].message if message is not None else ""

    def _frame(self, sample: Any) -> RawFrame:  # noqa: ANN401 - untyped
        structure = sample.get_caps().get_structure(0)
        width, height = structure.get_value("width"), structure.get_value("height")
        layout = structure.get_value("format")
        buffer = sample.get_buffer()
        mapped, info = buffer.map(self._gst.MapFlags.READ)
        if not mapped:
            raise BadFrameError("a frame of the pipeline cannot be read")
        try:
            pixels = np.frombuffer(info.data, np.uint8).copy()
        finally:
            buffer.unmap(info)
        # Live elements stamp buffers with the pipeline's clock: CLOCK_MONOTONIC, unless an element brings another.
        captured_ns = plausible_ns(self._pipeline.get_base_time() + buffer.pts)
        return RawFrame(_shaped(pixels, width, height, layout), FORMATS[layout], captured_ns)


def _shaped(pixels: Image, width: int, height: int, layout: str) -> Image:
    """Drop what GStreamer pads: rows of interleaved formats begin at multiples of 4 bytes."""
    channels = CHANNELS.get(layout, 0)
    rows = height * 3 // 2 if layout in ("NV12", "I420") else height
    width_bytes = width * max(channels, 1)
    stride = pixels.size // rows
    if stride < width_bytes or (layout in ("NV12", "I420") and stride != width):
        raise BadFrameError(f"the pipeline gave {pixels.size} bytes for {width}x{height} {layout}")
    cut = np.ascontiguousarray(pixels[: rows * stride].reshape(rows, stride)[:, :width_bytes])
    return cut.reshape(rows, width, channels) if channels else cut


def _gst() -> Any:  # noqa: ANN401 - untyped
    try:
        import gi

        gi.require_version("Gst", "1.0")
        gi.require_version("GstApp", "1.0")  # without it try-pull-sample is not found
        from gi.repository import Gst, GstApp  # noqa: F401
    except (ImportError, ValueError) as error:
        raise EnvironmentFailure(f"python3-gi does not load GStreamer here ({error})", INSTALL) from error
    Gst.init(None)
    return Gst
