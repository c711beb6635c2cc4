"""Hand-over between two threads: room for one thing."""

from __future__ import annotations

import threading
from typing import Generic, TypeVar

T = TypeVar("T")


class Slot(Generic[T]):
    """Holds the newest thing; a newer one replaces it, or with `lossless` waits until it was taken.

    Args:
        lossless: for recordings, of which every frame counts; a camera's old frames are worth nothing.

    Attributes:
        dropped: how many were replaced before they were taken.
    """

    def __init__(self, lossless: bool) -> None:
        self._lossless = lossless
        self._changed = threading.Condition()
        self._item: T | None = None
        self._closed = False
        self.dropped = 0

    def put(self, item: T) -> None:
        """Hand over; after `close` the thing is lost."""
        with self._changed:
            while self._lossless and self._item is not None and not self._closed:
                self._changed.wait()
            if self._closed:
                return
            self.dropped += self._item is not None
            self._item = item
            self._changed.notify_all()

    def get(self) -> T | None:
        """Take, waiting for it; None when the slot is closed and empty."""
        with self._changed:
            while self._item is None and not self._closed:
                self._changed.wait()
            item, self._item = self._item, None
            self._changed.notify_all()
            return item

    def close(self) -> None:
        """Say that nothing more comes; what is held can still be taken."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
