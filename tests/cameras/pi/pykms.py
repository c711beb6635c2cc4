"""Stand-in: picamera2 imports it for its display preview, which no test shows."""

from __future__ import annotations


class _Names:
    def __getattr__(self, name: str) -> str:
        return name


PixelFormat = _Names()
