from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_edge import models
from fer_edge.errors import BadInputError
from fer_edge.preprocess import read_image, write_png
from fer_edge.whole_file import finished_files, whole_file
from tests.support.pictures import texture


def test_a_failed_block_leaves_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("old")
    with pytest.raises(KeyboardInterrupt), whole_file(tmp_path / "a.txt") as temporary:
        temporary.write_text("half")
        raise KeyboardInterrupt
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("a.txt", "old")]


def test_what_a_killed_process_left_is_not_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net").mkdir()
    for name in ("b.keras", "a.keras", ".writing-c.keras"):
        (tmp_path / "net" / name).touch()
    assert [path.name for path in finished_files(tmp_path / "net", "*.keras")] == ["a.keras", "b.keras"]
    monkeypatch.setattr(models, "ZOO", tmp_path)
    assert list(models.present_models()) == ["a", "b"]


def test_a_model_s_name_leads_back_to_its_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "net").mkdir()
    for name in ("net.keras", "net-int8.tflite", "net-int8.onnx"):
        (tmp_path / "net" / name).touch()
    monkeypatch.setattr(models, "ZOO", tmp_path)
    assert models.model_name(tmp_path / "net/net-int8.tflite") == "zoo:net-int8"
    for file in (*(tmp_path / "net").iterdir(), Path("net.keras")):
        assert models.resolve_model(models.model_name(file)) == file


def test_a_picture_comes_back_from_its_png(tmp_path: Path) -> None:
    write_png(tmp_path / "a.png", texture(0))
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), texture(0))
    with pytest.raises(BadInputError, match="1000001x1 px do not fit into a PNG"):
        write_png(tmp_path / "b.png", np.zeros((1, 1_000_001, 3), np.uint8))
    assert [path.name for path in tmp_path.iterdir()] == ["a.png"]
