"""What every source gives, and the checks they share."""

from __future__ import annotations

import abc
import threading
import time
from dataclasses import dataclass
from types import TracebackType

import numpy as np

from fer_edge import MAX_PIXELS
from fer_edge.errors import BadInputError, EnvironmentFailure
from fer_edge.preprocess import Image
from fer_edge.runtime.sources.colour import PixelFormat, to_rgb
from fer_edge.runtime.uri import Uri

MAX_AGE_NS = 5 * 10**9
CLOSE_S = 0.5  # to wait for a read that is under way


@dataclass(frozen=True)
class Frame:
    """One picture of a camera.

    Attributes:
        pixels: uint8[H, W, 3], RGB, 0-255.
        captured_ns: `time.monotonic_ns()` when it was taken, or came out of the driver where that says nothing; of a
            recording that is not played in real time, when it would have been taken had it begun when it was opened.
        seq: counts the source's frames from 0; a gap means that frames were dropped on the way.
    """

    pixels: Image
    captured_ns: int
    seq: int


@dataclass(frozen=True)
class RawFrame:
    """What a camera delivered, before colour conversion.

    Attributes:
        pixels: uint8 array in the layout of `format`.
        format: of the pixels.
        captured_ns: see `Frame`; None where the driver says nothing.
    """

    pixels: Image
    format: PixelFormat
    captured_ns: int | None = None


def plausible_ns(captured_ns: int) -> int | None:
    """A camera's own time of capture, `time.monotonic_ns()`; None where it cannot be, for its clock is another."""
    return captured_ns if 0 <= time.monotonic_ns() - captured_ns < MAX_AGE_NS else None


class FrameSource(abc.ABC):
    """A camera or a recording: a context manager that opens it, and an iterator's one step.

    Attributes:
        name: what to call it in messages.
        live: whether frames come at their own pace, so that late ones must be dropped; a recording waits instead.
    """

    live = True

    def __init__(self, uri: Uri) -> None:
        self.name = uri.text
        self._count = 0
        self._latest_ns = 0
        self._opened = False
        self._reading = threading.Lock()

    @abc.abstractmethod
    def _open(self) -> None:
        """Open the camera.

        Raises:
            EnvironmentFailure: package, driver or camera is missing.
            BadInputError: the file is missing or unreadable.
        """

    @abc.abstractmethod
    def _read(self) -> RawFrame | None:
        """The next frame, waiting for it; None at the end of a recording.

        Raises:
            BadFrameError: this frame is damaged, the next may not be.
            SourceLostError: the camera is gone.
        """

    @abc.abstractmethod
    def _close(self) -> None:
        """Release the camera; called once, also after a failed `_open`."""

    def read(self) -> Frame | None:
        """The next frame, waiting for it; None at the end of a recording.

        Raises:
            BadFrameError: this frame is damaged, the next may not be.
            SourceLostError: the camera is gone.
        """
        with self._reading:
            raw = self._read() if self._opened else None
        if raw is None:
            return None
        captured_ns = time.monotonic_ns() if raw.captured_ns is None else raw.captured_ns
        captured_ns = self._latest_ns = max(captured_ns, self._latest_ns)
        seq = self._count
        self._count += 1
        if raw.pixels.dtype != np.uint8 or not 0 < raw.pixels.size <= 4 * MAX_PIXELS:
            raise BadFrameError(f"{self.name} gave {raw.pixels.dtype}{list(raw.pixels.shape)}", "Choose a smaller size")
        try:
            return Frame(to_rgb(raw.pixels, raw.format), captured_ns, seq)
        except BadInputError as error:
            raise BadFrameError(error.message) from error

    def __enter__(self) -> FrameSource:
        try:
            self._open()
        except BaseException:
            self._close()
            raise
        self._opened = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # A driver that is being read must not be released: one that hangs is left to the end of the process.
        if self._opened and self._reading.acquire(timeout=CLOSE_S):
            self._opened = False
            try:
                self._close()
            finally:
                self._reading.release()


class BadFrameError(BadInputError):
    """One frame could not be used; the source goes on."""


class SourceLostError(EnvironmentFailure):
    """The camera was unplugged, or stopped delivering."""
