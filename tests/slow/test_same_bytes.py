"""The same inputs give the same bytes, as docs/convert.md says."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.tiny_models import copied, write_folder

# NNCF numbers the nodes it inserts from a counter of the process, so the names inside this file change.
VARIES = {"tiny-int8.xml"}


@pytest.mark.slow
def test_two_conversions_give_the_same_files(tiny_artifacts: Path, tmp_path: Path) -> None:
    model = copied(tiny_artifacts, "tiny.keras", tmp_path)
    data = write_folder(tmp_path / "faces", 20)
    for name in ("first", "second"):
        command = [sys.executable, "-m", "fer_edge", "convert", str(model), "--calibration", str(data)]
        command += ["--calibration-count", "40", "--out", str(tmp_path / name)]
        made = subprocess.run(command, capture_output=True, text=True)
        assert made.returncode == 0, made.stderr[-3000:]
    files = sorted(path.name for path in (tmp_path / "first").iterdir())
    assert len(files) == 13
    for name in set(files) - VARIES:
        assert (tmp_path / "first" / name).read_bytes() == (tmp_path / "second" / name).read_bytes(), name
