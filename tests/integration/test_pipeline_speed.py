"""The input pipeline's own speed."""

from __future__ import annotations

import re
from pathlib import Path

from click.testing import CliRunner

from fer_edge.training.pipeline_speed import main
from tests.support.pictures import write_squares


def test_the_pipeline_is_measured_alone(tmp_path: Path) -> None:
    data = write_squares(tmp_path / "data", 20)
    shown = CliRunner().invoke(main, ["--data", str(data), "--recipe", "scratch", "--seconds", "0.2"])
    assert shown.exit_code == 0, shown.output
    rates = [int(rate.replace(",", "")) for rate in re.findall(r": ([0-9,]+) images/s", shown.output)]
    assert len(rates) == 3
    assert min(rates) > 10
    assert "augmented at 64 px" in shown.output
