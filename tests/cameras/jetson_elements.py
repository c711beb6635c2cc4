"""Stand-ins for the GStreamer elements of a Jetson, so that the pipeline string of `csi://` runs unmodified on a PC.

`nvarguscamerasrc` gives NV12 in memory that calls itself NVMM: red on the left, blue on the right, and a white bar that
moves down by a line with every frame. `nvvidconv` brings it into ordinary memory as BGRx.
"""

from __future__ import annotations

import time
from typing import Any

import cv2
import gi
import numpy as np

gi.require_version("Gst", "1.0")
gi.require_version("GstBase", "1.0")
from gi.repository import GObject, Gst, GstBase  # noqa: E402 - the versions come first

Gst.init(None)  # pad templates below need it
RANGES = "width=[16,4096],height=[16,4096],framerate=[1/1,240/1]"
NVMM = f"video/x-raw(memory:NVMM),format=NV12,{RANGES}"
SYSTEM = f"video/x-raw,format=BGRx,{RANGES}"


def _template(name: str, direction: Gst.PadDirection, caps: str) -> Gst.PadTemplate:
    return Gst.PadTemplate.new(name, direction, Gst.PadPresence.ALWAYS, Gst.Caps.from_string(caps))


class ArgusStandIn(GstBase.BaseSrc):
    """A live source at the speed that was asked for."""

    __gstmetadata__ = ("nvarguscamerasrc stand-in", "Source/Video", "for tests", "fer-edge")
    __gsttemplates__ = (_template("src", Gst.PadDirection.SRC, NVMM),)
    sensor_id = GObject.Property(type=int, default=0, nick="sensor-id")

    def __init__(self) -> None:
        super().__init__()
        self.set_live(True)
        self.set_format(Gst.Format.TIME)
        self.set_do_timestamp(True)
        self._number = 0

    def do_set_caps(self, caps: Any) -> bool:
        structure = caps.get_structure(0)
        self._size = structure.get_value("width"), structure.get_value("height")
        _, numerator, denominator = structure.get_fraction("framerate")
        self._period_s = denominator / numerator
        return True

    def do_create(self, *_: Any) -> tuple[Gst.FlowReturn, Gst.Buffer]:
        time.sleep(self._period_s)
        width, height = self._size
        picture = np.zeros((height, width, 3), np.uint8)
        picture[:, : width // 2] = (200, 30, 30)
        picture[:, width // 2 :] = (30, 30, 200)
        picture[self._number % height] = 255
        self._number += 1
        planes = cv2.cvtColor(picture, cv2.COLOR_RGB2YUV_I420).ravel()
        luma, u, v = np.split(planes, [width * height, width * height * 5 // 4])
        data = np.concatenate([luma, np.stack([u, v], axis=1).ravel()])
        return Gst.FlowReturn.OK, Gst.Buffer.new_wrapped(data.tobytes())


class ConverterStandIn(GstBase.BaseTransform):
    """NV12 to BGRx, of the same size."""

    __gstmetadata__ = ("nvvidconv stand-in", "Filter/Converter/Video", "for tests", "fer-edge")
    __gsttemplates__ = (
        _template("sink", Gst.PadDirection.SINK, NVMM),
        _template("src", Gst.PadDirection.SRC, SYSTEM),
    )
    flip_method = GObject.Property(type=int, default=0, nick="flip-method")

    def do_transform_caps(self, direction: Gst.PadDirection, caps: Any, limit: Any) -> Any:
        text = caps.to_string()
        if direction == Gst.PadDirection.SINK:
            text = text.replace("(memory:NVMM)", "").replace("NV12", "BGRx")
        else:
            text = text.replace("video/x-raw", "video/x-raw(memory:NVMM)").replace("BGRx", "NV12")
        result = Gst.Caps.from_string(text)
        return result.intersect(limit) if limit else result

    def do_set_caps(self, incaps: Any, outcaps: Any) -> bool:
        structure = incaps.get_structure(0)
        self._size = structure.get_value("width"), structure.get_value("height")
        return True

    def do_get_unit_size(self, caps: Any) -> tuple[bool, int]:
        structure = caps.get_structure(0)
        pixels = structure.get_value("width") * structure.get_value("height")
        return True, pixels * 4 if structure.get_value("format") == "BGRx" else pixels * 3 // 2

    def do_transform(self, source: Any, sink: Any) -> Gst.FlowReturn:
        width, height = self._size
        _, mapped = source.map(Gst.MapFlags.READ)
        try:
            planes = np.frombuffer(mapped.data, np.uint8).reshape(height * 3 // 2, width)
            sink.fill(0, cv2.cvtColor(planes, cv2.COLOR_YUV2BGRA_NV12).tobytes())
        finally:
            source.unmap(mapped)
        return Gst.FlowReturn.OK


def register() -> None:
    """Make both elements known to this process."""
    for kind, name in ((ArgusStandIn, "nvarguscamerasrc"), (ConverterStandIn, "nvvidconv")):
        GObject.type_register(kind)
        Gst.Element.register(None, name, Gst.Rank.NONE, kind)
