"""When frames come that no camera gives."""

from __future__ import annotations

import time


class RecordedTime:
    """The recording's own clock, from the moment it is made: what a camera would have said.

    Args:
        fps: frames per second, above 0.
    """

    def __init__(self, fps: float) -> None:
        self._period_ns = 1e9 / fps
        self._started_ns = time.monotonic_ns()
        self._count = 0

    def wait(self) -> int:
        """The next frame's time; nobody waits for it."""
        self._count += 1
        return self._started_ns + round((self._count - 1) * self._period_ns)


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
