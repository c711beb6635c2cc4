"""The picture files of a folder or a zip, and how to read one: within limits, and nothing that leads outside."""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from fer_edge.errors import DataError
from fer_edge.preprocess import IMAGE_SUFFIXES

MAX_FILES = 2_000_000
ZIP_ERRORS = (OSError, zipfile.BadZipFile, zlib.error, EOFError, ValueError, RuntimeError)  # of a damaged one
MAX_FILE_BYTES = 64 * 2**20
MAX_COMPRESSION = 500  # a solid-colour PNG inside a zip stays far below


def list_pictures(root: Path) -> tuple[list[str], Callable[[str], bytes]]:
    """Names of the pictures below a folder or in a `.zip`, sorted, with forward slashes; and what reads one.

    Raises:
        DataError: nothing there, a damaged or hostile zip; of the reader: a file that is damaged, gone or too large.
    """
    return _list_zip(root) if root.suffix.lower() == ".zip" else _list_folder(root)


def _is_image(path: PurePosixPath) -> bool:
    return path.suffix.lower() in IMAGE_SUFFIXES and not any(part.startswith((".", "__MACOSX")) for part in path.parts)


def _list_folder(root: Path) -> tuple[list[str], Callable[[str], bytes]]:
    if root.is_file():
        raise DataError(f"{root} is a file, not a folder, a zip or a split.json", "Check the path given for the data")
    if not root.is_dir():
        raise DataError(f"there is no folder or zip {root}", "Check the path given for the data")
    names = sorted(path.as_posix() for path in map(PurePosixPath, _files(root)) if _is_image(path))

    def read_bytes(name: str) -> bytes:
        path = root / name
        try:
            if path.stat().st_size > MAX_FILE_BYTES:
                raise DataError(f"{path} is larger than {MAX_FILE_BYTES >> 20} MB", "Remove it or scale it down")
            return path.read_bytes()
        except OSError as error:
            raise DataError(f"cannot read {path}: {error.strerror}", "Check that the data is complete") from error

    return names, read_bytes


def _files(root: Path) -> Iterator[str]:
    """Paths of the files below `root`, relative to it; links to folders are followed, once each."""
    seen = set()
    for folder, folders, files in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        below = Path(folder).relative_to(root)
        yield from ((below / file).as_posix() for file in files)


def _list_zip(path: Path) -> tuple[list[str], Callable[[str], bytes]]:
    """List a zip without extracting it: members are read one at a time, into memory, within limits."""
    try:
        archive = zipfile.ZipFile(path)  # stays open as long as the images are read
    except FileNotFoundError as error:
        raise DataError(f"there is no folder or zip {path}", "Check the path given for the data") from error
    except ZIP_ERRORS as error:
        raise DataError(f"{path} is not a complete zip file ({error})", "Download or pack it again") from error
    members = archive.infolist()
    if len(members) > MAX_FILES:
        raise DataError(f"{path} holds {len(members)} files, more than {MAX_FILES}", "Split it")
    for member in members:
        parts = PurePosixPath(member.filename.replace("\\", "/"))
        if parts.is_absolute() or ".." in parts.parts:
            raise DataError(f"{path} holds a path that leads outside: {member.filename!r}", "Do not use this file")
        if member.file_size > MAX_FILE_BYTES or member.file_size > MAX_COMPRESSION * max(member.compress_size, 1):
            raise DataError(
                f"{path}: {member.filename!r} would unpack to {member.file_size} bytes from {member.compress_size}",
                "This looks like a zip bomb; do not use this file",
            )

    def read_bytes(name: str) -> bytes:
        try:
            with archive.open(name) as member:
                data = member.read(MAX_FILE_BYTES + 1)
        except ZIP_ERRORS as error:
            raise DataError(f"{path}: cannot read {name}: {error}", "Download or pack it again") from error
        if len(data) > MAX_FILE_BYTES:
            raise DataError(f"{path}: {name} unpacks to more than {MAX_FILE_BYTES >> 20} MB", "Do not use this file")
        return data

    return sorted(m.filename for m in members if not m.is_dir() and _is_image(PurePosixPath(m.filename))), read_bytes
