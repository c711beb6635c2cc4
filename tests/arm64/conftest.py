"""The same commands here and on emulated arm64, beside the same files; `make test-arm64` sets it up."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from fer_edge.errors import EnvironmentFailure
from fer_edge.model_files import fetch
from fer_edge.synthetic import write_dataset
from tests.support.fetched import clip
from tests.support.tiny_models import write_folder

HERE = Path(__file__).parent
PROJECT = HERE.parents[1]
FRAMES = 20
FACES_PER_CLASS = 10
SECONDS = 600
NOTES = pytest.StashKey[list[str]]()


class Both:
    """Runs `fer-edge` on the two machines; `files` is the working folder of both."""

    def __init__(self, root: Path) -> None:
        self.root, self.files = root, root / "srv" / "files"

    def here(self, *arguments: str, code: int = 0) -> str:
        """Run it on this machine, from this checkout; returns stdout."""
        environment = {**os.environ, "PYTHONPATH": str(PROJECT)}
        return self._run([sys.executable, "-m", "fer_edge", *arguments], code, environment)

    def there(self, *arguments: str, code: int = 0) -> str:
        """Run it on arm64; returns stdout."""
        return self._run([str(HERE / "enter.sh"), str(self.root), "fer-edge", *arguments], code, dict(os.environ))

    def _run(self, command: list[str], code: int, environment: dict[str, str]) -> str:
        done = subprocess.run(command, cwd=self.files, env=environment, capture_output=True, text=True, timeout=SECONDS)
        assert done.returncode == code, done.stderr[-3000:]
        return done.stdout


@pytest.fixture(scope="session")
def both() -> Both:
    """The two machines, with an empty working folder."""
    root = Path(os.environ.get("FER_EDGE_ARM64_ROOT", "")).resolve()
    if not (root / "ready").is_file():
        pytest.skip("needs a Debian root for arm64: make test-arm64 sets it up (as root, on Debian)")
    made = Both(root)
    shutil.rmtree(made.files)
    made.files.mkdir()
    return made


@pytest.fixture(scope="session")
def faces(both: Both) -> list[str]:
    """Drawn faces in `faces`, and their names."""
    write_dataset(both.files / "faces", 0, FACES_PER_CLASS, seed=1, say=lambda _: None)
    return _pictures(both, "faces")


@pytest.fixture(scope="session")
def colours(both: Both, tiny_artifacts: Path) -> list[str]:
    """The tiny models in `tiny`; in `colours` what they tell apart, and its names."""
    shutil.copytree(tiny_artifacts, both.files / "tiny")
    write_folder(both.files / "colours", FACES_PER_CLASS)
    return _pictures(both, "colours")


@pytest.fixture(scope="session")
def film(both: Both) -> None:
    """The talking head as `clip.mp4`, its first frames as pictures in `frames`, and BlazeFace on both machines."""
    shutil.copy(clip(), both.files / "clip.mp4")
    try:
        detector = fetch("blazeface")
    except EnvironmentFailure as error:
        pytest.skip(f"needs the face detector ({error}): fer-edge models fetch")
    cache = both.root / "root" / ".cache" / "fer-edge"
    cache.mkdir(parents=True, exist_ok=True)
    shutil.copy(detector, cache)
    video = cv2.VideoCapture(str(both.files / "clip.mp4"))
    (both.files / "frames").mkdir()
    for number in range(FRAMES):
        cv2.imwrite(str(both.files / "frames" / f"{number:03}.png"), video.read()[1])


@pytest.fixture
def note(pytestconfig: pytest.Config) -> Callable[[str], None]:
    """Says at the end what was measured."""
    return pytestconfig.stash.setdefault(NOTES, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """What the tests measured, and what it is not."""
    if notes := config.stash.get(NOTES, []):
        terminalreporter.section("largest differences between arm64, emulated: timings mean nothing, and this machine")
        terminalreporter.write("".join(f"{line}\n" for line in notes))


def _pictures(both: Both, folder: str) -> list[str]:
    return [str(path.relative_to(both.files)) for path in sorted((both.files / folder).rglob("*.png"))]
