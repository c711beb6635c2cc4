"""Write text files that are complete or not there."""

from __future__ import annotations

from pathlib import Path


def write_text_file(path: Path, text: str) -> None:
    """Write `text` as UTF-8 under a temporary name beside `path`, then give it its name."""
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
