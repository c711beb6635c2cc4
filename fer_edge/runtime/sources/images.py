"""The pictures of a folder, one after the other: images:DIR."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from fer_edge.errors import BadInputError
from fer_edge.preprocess import IMAGE_SUFFIXES, read_image
from fer_edge.runtime.sources.base import BadFrameError, FrameSource, RawFrame
from fer_edge.runtime.sources.colour import PixelFormat
from fer_edge.runtime.sources.pace import Pace, RecordedTime
from fer_edge.runtime.uri import Options, Uri

RECORDED_FPS = 1.0  # by their time stamps, so that pictures of one folder are not taken for one scene


class ImagesOptions(Options):
    """What may follow images:DIR?.

    Attributes:
        loop: begin again at the end.
        fps: pictures a second, late ones dropped; without it each waits for the one before.
    """

    loop: bool = False
    fps: Annotated[float, Field(gt=0, le=1000)] | None = None


class ImagesSource(FrameSource):
    """Pictures in the order of their names, folders included; a damaged one is a bad frame."""

    def __init__(self, uri: Uri) -> None:
        super().__init__(uri)
        self._folder = Path(uri.target)
        self._options = uri.parse_options(ImagesOptions)
        self.live = self._options.fps is not None
        self._clock = Pace(self._options.fps) if self._options.fps else RecordedTime(RECORDED_FPS)
        self._paths: list[Path] = []
        self._left: Iterator[Path] = iter(())

    def _open(self) -> None:
        if not self._folder.is_dir():
            raise BadInputError(f"there is no folder {self._folder}", "Check the path")
        self._paths = sorted(p for p in self._folder.rglob("*") if p.suffix.lower() in IMAGE_SUFFIXES and p.is_file())
        if not self._paths:
            raise BadInputError(
                f"{self._folder} holds no pictures", f"Known endings: {', '.join(sorted(IMAGE_SUFFIXES))}"
            )
        self._left = iter(self._paths)

    def _read(self) -> RawFrame | None:
        path = next(self._left, None)
        if path is None and self._options.loop:
            self._left = iter(self._paths)
            path = next(self._left)
        if path is None:
            return None
        due_ns = self._clock.wait()
        try:
            return RawFrame(read_image(path), PixelFormat.RGB, due_ns)
        except BadInputError as error:
            raise BadFrameError(error.message, error.remedy) from error

    def _close(self) -> None:
        self._left = iter(())
