"""One JSON object in each line: jsonl:PATH."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, TextIO

from pydantic import Field

from fer_edge.errors import BadInputError, UsageError
from fer_edge.runtime.sinks.base import Published
from fer_edge.runtime.uri import Options, Uri


class JsonlOptions(Options):
    """What may follow jsonl:PATH?.

    Attributes:
        max_mb: when the file is larger it becomes PATH.1, that one PATH.2, and so on.
        keep: how many such files are kept; older ones go.
    """

    max_mb: Annotated[float, Field(gt=0, le=100_000)] = 100.0
    keep: Annotated[int, Field(ge=1, le=1000)] = 5


class JsonlSink:
    """Appends to a file, and rotates it, so that a camera that runs for months does not fill the disk."""

    needs_frames = False
    shows_frames = False
    delivers = True
    writes_a_file = True

    def __init__(self, uri: Uri) -> None:
        if not uri.target:
            raise UsageError(f"{uri.text!r} names no file", "Write jsonl:faces.jsonl")
        self._path = Path(uri.target)
        self._options = uri.parse_options(JsonlOptions)
        self._stream: TextIO | None = None
        self._is_new = False
        self.leaves = f"labels, boxes and probabilities into {self._path}"

    def open(self) -> None:
        """See `Sink.open`."""
        folder = self._path.absolute().parent
        if self._path.is_dir():
            raise BadInputError(f"{self._path} cannot be written: it is a folder", "Name a file in it")
        if not folder.is_dir():
            raise BadInputError(f"{self._path} cannot be written: its folder is missing", f"mkdir -p {folder}")
        self._is_new = not self._path.exists()
        self._stream = self._path.open("a", encoding="utf-8")
        if _torn(self._path):
            self._stream.write("\n")

    def write(self, published: Published) -> None:
        """See `Sink.write`; every line is flushed, so that another program can follow the file."""
        assert self._stream is not None
        self._stream.write(json.dumps(published.message.document(), separators=(",", ":")) + "\n")
        self._stream.flush()
        if self._stream.seekable() and self._stream.tell() >= self._options.max_mb * 1e6:
            self._rotate()

    def close(self) -> None:
        """See `Sink.close`."""
        if self._stream is not None:
            stream, self._stream = self._stream, None
            stream.close()
            if self._is_new and self._path.is_file() and not self._path.stat().st_size:
                self._path.unlink()

    def _rotate(self) -> None:
        self.close()
        numbered = [self._path.with_name(f"{self._path.name}.{n}") for n in range(1, self._options.keep + 1)]
        numbered[-1].unlink(missing_ok=True)
        for newer, older in zip(reversed([self._path, *numbered[:-1]]), reversed(numbered), strict=True):
            if newer.exists():
                newer.replace(older)
        self._stream = self._path.open("a", encoding="utf-8")


def _torn(path: Path) -> bool:
    """Whether the last line was cut short, by a full disk or a lost power supply."""
    if not path.is_file() or not path.stat().st_size:
        return False
    with path.open("rb") as stream:
        stream.seek(-1, 2)
        return stream.read(1) != b"\n"
