"""A live table in the terminal, or a line for each event where there is none: console:."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from fer_edge.errors import UsageError
from fer_edge.runtime.message import Event, Message
from fer_edge.runtime.sinks.base import Published
from fer_edge.runtime.uri import Options, Uri

if TYPE_CHECKING:
    from fer_edge.runtime.pipeline import RunSummary

REFRESH_S = 0.2
BAR = 20  # characters of a probability of 1


class ConsoleSink:
    """Writes to stderr, as everything that people read."""

    needs_frames = False
    shows_frames = False
    delivers = True
    writes_a_file = False
    leaves = "labels and probabilities on this terminal"

    def __init__(self, uri: Uri) -> None:
        uri.parse_options(Options)
        if uri.target:
            raise UsageError(f"{uri.text!r}: the console takes nothing after the colon", "Write console:")
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._shown = 0.0

    def open(self) -> None:
        """See `Sink.open`."""
        if self._console.is_terminal:
            self._live = Live(console=self._console, auto_refresh=False, transient=True)
            self._live.start()

    def write(self, published: Published) -> None:
        """See `Sink.write`."""
        for event in published.message.events:
            self._console.print(_sentence(event), markup=False)
        now = time.monotonic()
        if self._live is not None and now - self._shown >= REFRESH_S:
            self._shown = now
            self._live.update(_picture(published.message, published.summary()), refresh=True)

    def close(self) -> None:
        """See `Sink.close`."""
        if self._live is not None:
            self._live.stop()
            self._live = None


def _sentence(event: Event) -> str:
    clock = time.strftime("%H:%M:%S")
    if event.kind == "became":
        now, before = f"{event.label} ({event.confidence:.2f})", f"{event.lasted_s:.1f} s of {event.before}"
        return f"{clock} face {event.track_id} became {now} after {before}"
    if event.kind == "left":
        return f"{clock} face {event.track_id} left; {event.label} for {event.lasted_s:.1f} s"
    return f"{clock} face {event.track_id} appeared: {event.label} ({event.confidence:.2f})"


def _picture(message: Message, summary: RunSummary) -> Group:
    table = Table("Face", "Label", "Probabilities", box=None)
    for face in message.faces:
        bars = [
            f"{label:9.9} {'█' * round(BAR * value):{BAR}} {value:.2f}" for label, value in face.probabilities.items()
        ]
        table.add_row(str(face.track_id), Text(face.label, "bold"), Text("\n".join(bars)))
    rate = summary.frames / summary.seconds if summary.seconds else 0.0
    times = ", ".join(f"{name} {s.p50_ms:.1f}" for name, s in summary.stages.items() if s.p50_ms is not None)
    return Group(table, Text(f"{rate:.1f} frames a second; median ms: {times}; dropped {summary.dropped}", "dim"))
