"""One file and one table line per sink."""

from __future__ import annotations

from fer_edge.errors import UsageError
from fer_edge.registry import lookup
from fer_edge.runtime.sinks.base import Sink
from fer_edge.runtime.uri import parse_uri

SINKS = {
    "console": "fer_edge.runtime.sinks.console:ConsoleSink",
    "jsonl": "fer_edge.runtime.sinks.jsonl:JsonlSink",
    "video": "fer_edge.runtime.sinks.video:VideoSink",
    "web": "fer_edge.runtime.sinks.web:WebSink",
}


def make_sink(text: str, no_frames: bool) -> Sink:
    """Make the sink that a URI names; `Sink.open` makes it ready.

    Raises:
        UsageError: unknown scheme or option, or one that needs pictures with `no_frames`.
    """
    uri = parse_uri(text, "sink", tuple(SINKS))
    sink: Sink = lookup(SINKS, uri.scheme, "sink")(uri)
    if no_frames and sink.needs_frames:
        raise UsageError(f"{text} shows or stores pictures, which --no-frames forbids", "Leave one of the two out")
    return sink
