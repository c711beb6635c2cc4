"""The comparison of the networks: what it may replace."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_edge.errors import BadInputError
from fer_edge.training.backbones import BACKBONES
from fer_edge.training.study import check_output


def test_a_comparison_of_another_origin_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "comparison.md").write_text("mine")
    with pytest.raises(BadInputError, match="comparison.md exists already"):
        check_output(tmp_path, list(BACKBONES), overwrite=False)
    check_output(tmp_path, list(BACKBONES), overwrite=True)
    (tmp_path / "comparison.md").unlink()
    (tmp_path / "resnet50v2").mkdir()
    (tmp_path / "resnet50v2" / "resnet50v2.keras").touch()
    with pytest.raises(BadInputError, match=r"finished run without report\.json"):
        check_output(tmp_path, list(BACKBONES), overwrite=False)
