"""Write files that are complete or not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

WRITING = ".writing-"


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, with its suffix: it takes its name when the block ends well, and is removed else.

    A process that is killed leaves `WRITING` and the name behind; see `finished_files`.
    """
    temporary = path.with_name(f"{WRITING}{path.name}")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def finished_files(folder: Path, pattern: str) -> list[Path]:
    """What matches `pattern` below `folder`, sorted, without what a killed process left half-written."""
    return sorted(path for path in folder.glob(pattern) if not path.name.startswith(WRITING))


def write_text_file(path: Path, text: str) -> None:
    """Write `text` as UTF-8."""
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
