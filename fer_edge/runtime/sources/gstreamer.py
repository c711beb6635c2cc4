"""Jetson cameras (csi://0) and GStreamer pipelines of the user's own (gst://PIPELINE)."""

from __future__ import annotations

import importlib.util
import shutil
from typing import Annotated, Protocol

from pydantic import Field

from fer_edge.errors import EnvironmentFailure, UsageError
from fer_edge.runtime.sources.base import FrameSource, RawFrame
from fer_edge.runtime.uri import Options, Size, Uri

INSTALL = (
    "sudo apt install python3-gi gir1.2-gst-plugins-base-1.0 gstreamer1.0-plugins-good gstreamer1.0-tools, "
    "and for python3-gi make the environment with: python3 -m venv --system-site-packages .venv"
)


class Reader(Protocol):
    """Runs a pipeline and hands out its newest frame."""

    def read(self) -> RawFrame | None:
        """The newest frame, waiting for one; None at the end of the stream."""
        ...

    def close(self) -> None:
        """Stop the pipeline."""
        ...


class GstreamerSource(FrameSource):
    """A pipeline without a sink, such as "gst://videotestsrc ! video/x-raw,width=640,height=480"."""

    def __init__(self, uri: Uri) -> None:
        super().__init__(uri)
        self._pipeline = self._describe(uri)
        self._reader: Reader | None = None

    def _describe(self, uri: Uri) -> str:
        if not uri.target.strip():
            raise UsageError(f"{uri.text!r} holds no pipeline", "Write gst://v4l2src device=/dev/video0")
        return uri.target

    def _open(self) -> None:
        self._reader = open_reader(self._pipeline)

    def _read(self) -> RawFrame | None:
        assert self._reader is not None
        return self._reader.read()

    def _close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None


class CsiOptions(Options):
    """What may follow csi://N?.

    Attributes:
        size: WIDTHxHEIGHT, pixels; the sensor must have a mode for it.
        fps: frames a second.
        flip: nvvidconv's flip-method; 2 turns a camera that hangs upside down.
    """

    size: Size = (1280, 720)
    fps: Annotated[int, Field(ge=1, le=240)] = 30
    flip: Annotated[int, Field(ge=0, le=7)] = 0


class CsiSource(GstreamerSource):
    """A ribbon-cable camera of a Jetson, through Argus and the hardware converter (NVIDIA's accelerated GStreamer)."""

    def _describe(self, uri: Uri) -> str:
        number = uri.target or "0"
        if not number.isdecimal():
            raise UsageError(f"{uri.text!r} names no camera", "Write csi://0")
        options = uri.parse_options(CsiOptions)
        width, height = options.size
        return (
            f"nvarguscamerasrc sensor-id={number} ! "
            f"video/x-raw(memory:NVMM),width={width},height={height},framerate={options.fps}/1,format=NV12 ! "
            f"nvvidconv flip-method={options.flip} ! video/x-raw,format=BGRx"
        )


def open_reader(pipeline: str) -> Reader:
    """Start a pipeline with python3-gi where it is installed, else with gst-launch-1.0.

    Raises:
        EnvironmentFailure: neither is there, an element is missing, or the pipeline does not start.
    """
    if importlib.util.find_spec("gi") is not None:
        from fer_edge.runtime.sources.gst_appsink import AppsinkReader

        return AppsinkReader(pipeline)
    if shutil.which("gst-launch-1.0"):
        from fer_edge.runtime.sources.gst_launch import LaunchReader

        return LaunchReader(pipeline)
    raise EnvironmentFailure("GStreamer is not installed here: no python3-gi and no gst-launch-1.0", INSTALL)


def missing_element(message: str) -> EnvironmentFailure:
    """What to say about a pipeline that GStreamer cannot build."""
    remedy = "Try the pipeline with gst-launch-1.0, and its elements with gst-inspect-1.0"
    if "nvarguscamerasrc" in message or "nvvidconv" in message:
        remedy = "These elements come with JetPack: sudo apt install nvidia-l4t-gstreamer; elsewhere use another source"
    return EnvironmentFailure(f"GStreamer cannot run the pipeline: {message}", remedy)
