"""The three networks under the study's conditions, with every output that the study has."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from fer_edge.training.backbones import BACKBONES
from tests.support.pictures import write_squares

pytestmark = pytest.mark.slow

OUTPUTS = ("curves.png", "report.md", "report.json", "confusion.png", "predictions.png", "README.md", "history.csv")


def test_all_networks_with_every_output_and_nothing_else_on_the_screen(tmp_path: Path) -> None:
    data, out = write_squares(tmp_path / "data", 10), tmp_path / "out"
    options = ["--arch", "all", "--recipe", "paper", "--size", "75", "--epochs", "1", "--weights", "none"]
    command = [sys.executable, "-m", "fer_edge", "train", "--data", str(data), *options, "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    for name in BACKBONES:
        missing = [output for output in (*OUTPUTS, f"{name}.keras") if not (out / name / output).stat().st_size]
        assert not missing, name
    document = json.loads((out / "comparison.json").read_text())
    assert [report["architecture"] for report in document["models"]] == list(BACKBONES)
    assert document["same_conditions"]
    assert (out / "comparison.md").exists()
    # TensorFlow would warn of the third network's new graphs.
    expected = re.compile(rf"\[[123]/3\] |\d\d:\d\d:\d\d epoch 1/1 |{re.escape(str(out))}/")
    assert [line for line in done.stderr.splitlines() if not expected.match(line)] == []
