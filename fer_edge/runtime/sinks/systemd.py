"""Tells systemd that the service is ready and alive; added by `run` where systemd asks for it.

The protocol is a datagram to the socket named by NOTIFY_SOCKET (sd_notify(3), systemd's manual). A message that was
published is what "alive" means here: a camera, a detector or a model that hangs leaves the watchdog unfed.
"""

from __future__ import annotations

import os
import socket
import time

from fer_edge.runtime.sinks.base import Published

SOCKET = "NOTIFY_SOCKET"
EVERY_S = 1.0


class SystemdSink:
    """One short datagram a second at most; one that is lost is sent again with the next message."""

    needs_frames = False
    shows_frames = False
    delivers = False
    writes_a_file = False
    leaves = "to systemd, that this service is alive, and frames a second"

    def __init__(self) -> None:
        address = os.environ[SOCKET]
        self._address = "\0" + address[1:] if address.startswith("@") else address
        self._socket: socket.socket | None = None
        self._ready = False
        self._told = 0.0
        self._frames = 0

    def open(self) -> None:
        """See `Sink.open`."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._told = time.monotonic()

    def write(self, published: Published) -> None:
        """See `Sink.write`."""
        now = time.monotonic()
        if self._ready and now - self._told < EVERY_S:
            return
        frames = published.summary().frames
        rate = (frames - self._frames) / max(now - self._told, 1e-3)
        ready = "" if self._ready else "READY=1\n"
        if self._send(f"{ready}WATCHDOG=1\nSTATUS={rate:.1f} frames a second"):
            self._ready, self._told, self._frames = True, now, frames

    def close(self) -> None:
        """See `Sink.close`."""
        self._send("STOPPING=1")
        if self._socket is not None:
            self._socket.close()

    def _send(self, text: str) -> bool:
        try:
            return self._socket is not None and self._socket.sendto(text.encode(), self._address) > 0
        except OSError:
            return False
