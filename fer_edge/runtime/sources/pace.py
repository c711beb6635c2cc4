"""Frames at a camera's speed where there is no camera."""

from __future__ import annotations

import time


class Pace:
    """Lets `fps` frames a second pass; after a hold-up it does not hurry to catch up.

    Args:
        fps: frames per second, above 0.
    """

    def __init__(self, fps: float) -> None:
        self._period_ns = int(1e9 / fps)
        self._next_ns = 0

    def wait(self) -> int:
        """Sleep until the next frame is due; returns the time when it was, `time.monotonic_ns()`."""
        now = time.monotonic_ns()
        if self._next_ns < now - self._period_ns:
            self._next_ns = now
        elif self._next_ns > now:
            time.sleep((self._next_ns - now) / 1e9)
        due_ns = self._next_ns
        self._next_ns += self._period_ns
        return due_ns
