"""What every sink gets, and the thread that feeds it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from fer_edge.errors import FerEdgeError
from fer_edge.preprocess import Image
from fer_edge.runtime.message import Message
from fer_edge.runtime.slot import Slot

if TYPE_CHECKING:
    from fer_edge.runtime.compare import ModelFigures
    from fer_edge.runtime.pipeline import RunSummary


@dataclass(frozen=True)
class Published:
    """One message on its way.

    Attributes:
        message: what was seen.
        pixels: the frame, uint8[H, W, 3], RGB; None with `--no-frames`.
        summary: gives the pipeline's figures so far.
        models: gives the figures of the models that are compared; none without a comparison.
    """

    message: Message
    pixels: Image | None
    summary: Callable[[], RunSummary]
    models: Callable[[], Sequence[ModelFigures]]


class Sink(Protocol):
    """Takes messages somewhere.

    Attributes:
        needs_frames: whether it is nothing without pictures; refused with `--no-frames`.
        shows_frames: whether pictures leave this process through it.
        leaves: what else leaves this process and where to, for the list at the start; known when it is open.
        delivers: whether results reach somebody through it; a run ends when no such sink is left.
        writes_a_file: which is not whole before `close` has ended.
    """

    needs_frames: bool
    shows_frames: bool
    leaves: str
    delivers: bool
    writes_a_file: bool

    def open(self) -> None:
        """Get ready.

        Raises:
            FerEdgeError: the file or address cannot be used.
        """
        ...

    def write(self, published: Published) -> None:
        """Take one message; called from one thread."""
        ...

    def close(self) -> None:
        """Flush and release; called once, in the thread that called `write`.

        Raises:
            FerEdgeError: what was written is not whole.
        """
        ...


class SinkRunner:
    """Feeds one sink from a thread of its own, and closes it there, so that nothing is closed while it is written.

    Args:
        sink: opened by the caller.
        lossless: wait for the sink instead of dropping messages; for recordings.

    Attributes:
        failure: what ended the sink; the others go on.
        name: what to call it.
        delivers: see `Sink`.
    """

    def __init__(self, sink: Sink, lossless: bool) -> None:
        self.failure: Exception | None = None
        self.name = type(sink).__name__.removesuffix("Sink").lower()
        self.delivers = sink.delivers
        self._writes_a_file = sink.writes_a_file
        self._sink = sink
        self._slot: Slot[Published] = Slot(lossless)
        self._thread = threading.Thread(target=self._run, name=self.name, daemon=True)
        self._thread.start()

    def put(self, published: Published) -> None:
        """Hand over a message."""
        if self.failure is None:
            self._slot.put(published)

    @property
    def missed(self) -> int:
        """Messages that a newer one replaced before the sink took them."""
        return self._slot.dropped

    def end(self) -> None:
        """Say that nothing more comes; the sink finishes what it has."""
        self._slot.close()

    def join(self, seconds: float) -> None:
        """Wait until it has finished, for so long at most."""
        self._thread.join(seconds)
        if self._thread.is_alive() and self.failure is None and self._writes_a_file:
            self.failure = FerEdgeError(f"{self.name} did not finish in time; what it wrote may not be whole")

    def _run(self) -> None:
        try:
            while (published := self._slot.get()) is not None:
                self._sink.write(published)
        except Exception as error:  # a full disk or a lost network must not end the others
            self.failure = error
            self._slot.close()
        try:
            self._sink.close()
        except Exception as error:
            self.failure = self.failure or error
