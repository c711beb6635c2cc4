"""A GStreamer pipeline in a process of its own, where python3-gi is missing: YUV4MPEG2 through a pipe."""

from __future__ import annotations

import re
import select
import shlex
import subprocess
import threading
import time
from collections import deque
from typing import BinaryIO

import numpy as np

from fer_edge import MAX_PIXELS
from fer_edge.errors import EnvironmentFailure, UsageError
from fer_edge.runtime.sources.base import RawFrame, SourceLostError
from fer_edge.runtime.sources.colour import PixelFormat
from fer_edge.runtime.sources.gstreamer import INSTALL, missing_element

# The leaky queue keeps one frame: when the pipe is full the oldest goes.
SINK = (
    "! videoconvert ! video/x-raw,format=I420 ! queue leaky=downstream max-size-buffers=1 max-size-bytes=0 "
    "max-size-time=0 ! y4menc ! fdsink fd=1 sync=false"
)
STALLED_S = 5.0
MAX_HEADER = 256  # bytes


class LaunchReader:
    """See `Reader`.

    Args:
        pipeline: without its sink.
    """

    def __init__(self, pipeline: str) -> None:
        try:
            command = ["gst-launch-1.0", "-q", *shlex.split(f"{pipeline} {SINK}")]
        except ValueError as error:
            raise UsageError(f"the pipeline {pipeline!r} cannot be read: {error}", "Close the quotation") from error
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert self._process.stdout is not None
        self._stream: BinaryIO = self._process.stdout  # type: ignore[assignment]
        self._said: deque[str] = deque(maxlen=50)
        self._listener = threading.Thread(target=self._listen, daemon=True)
        self._listener.start()
        try:
            header = self._line()
        except SourceLostError as error:
            self.close()
            raise missing_element(error.message) from error
        found = re.search(rb"W(\d+) H(\d+)", header)
        if not found or int(found[1]) * int(found[2]) > MAX_PIXELS:
            self.close()
            raise missing_element(f"it begins with {header[:80]!r}")
        self._width, self._height = int(found[1]), int(found[2])
        if self._width % 8 or self._height % 2:  # y4menc pads the rows of others without saying so
            self.close()
            message = f"gst-launch-1.0 cannot hand over {self._width}x{self._height}: the width must be a multiple of 8"
            raise EnvironmentFailure(message, f"End the pipeline in a size that is, or install python3-gi: {INSTALL}")

    def read(self) -> RawFrame | None:
        """See `Reader.read`."""
        try:
            self._line()
        except SourceLostError:
            if self._process.poll() == 0:
                return None
            raise
        rows = self._height * 3 // 2
        data = np.frombuffer(self._exactly(rows * self._width), np.uint8)
        return RawFrame(data.reshape(rows, self._width), PixelFormat.I420)

    def close(self) -> None:
        """See `Reader.close`."""
        self._process.terminate()
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.join(2)
        for stream in (self._process.stdout, self._process.stderr):
            if stream is not None:
                stream.close()

    def _line(self) -> bytes:
        line = b""
        while not line.endswith(b"\n"):
            if len(line) > MAX_HEADER:
                raise SourceLostError(f"gst-launch-1.0 gave no YUV4MPEG2: {line[:40]!r}", "Report this pipeline")
            line += self._exactly(1)
        return line

    def _exactly(self, count: int) -> bytes:
        deadline = time.monotonic() + STALLED_S
        parts: list[bytes] = []
        while count:
            ready, _, _ = select.select([self._stream], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise SourceLostError(f"the pipeline gave no frame for {STALLED_S:.0f} s", "Check the camera")
            part = self._stream.raw.read(count)  # type: ignore[attr-defined]
            if not part:
                raise SourceLostError(self._last_words() or "the pipeline ended")
            parts.append(part)
            count -= len(part)
        return b"".join(parts)

    def _listen(self) -> None:
        """Keep what gst-launch-1.0 says last; unread, it would fill the pipe and stop the stream."""
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if text := line.decode(errors="replace").strip():
                self._said.append(text)

    def _last_words(self) -> str:
        """The first line of what gst-launch-1.0 complained about."""
        try:
            self._process.wait(2)
        except subprocess.TimeoutExpired:
            self._process.terminate()
        self._listener.join(2)
        said = list(self._said)
        return next((line for line in said if "no element" in line or "ERROR" in line), said[0] if said else "")
