"""One file and one table line per kind of camera."""

from __future__ import annotations

from fer_edge.registry import lookup
from fer_edge.runtime.sources.base import FrameSource
from fer_edge.runtime.uri import parse_uri

SOURCES = {
    "picamera2": "fer_edge.runtime.sources.picamera2:Picamera2Source",
    "csi": "fer_edge.runtime.sources.gstreamer:CsiSource",
    "gst": "fer_edge.runtime.sources.gstreamer:GstreamerSource",
    "v4l2": "fer_edge.runtime.sources.v4l2:V4l2Source",
    "file": "fer_edge.runtime.sources.file:FileSource",
    "images": "fer_edge.runtime.sources.images:ImagesSource",
    "synthetic": "fer_edge.runtime.sources.synthetic:SyntheticSource",
}


def open_source(text: str) -> FrameSource:
    """Make the source that a URI names; entering it as a context opens the camera.

    Raises:
        UsageError: unknown scheme or option.
    """
    uri = parse_uri(text, "source", tuple(SOURCES))
    source: FrameSource = lookup(SOURCES, uri.scheme, "source")(uri)
    return source
