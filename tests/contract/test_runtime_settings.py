"""What a single runtime is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_edge.errors import ArtifactError
from fer_edge.manifest import Precision
from fer_edge.runtime.backends import open_backend
from fer_edge.runtime.load import load
from tests.support.tiny_models import CONTRACT, FORMATS, tiny_images

FACES, LABELS = tiny_images(60, seed=11)


def test_onnx_levels(tiny_artifacts: Path) -> None:
    path = tiny_artifacts / "tiny-int8.onnx"
    for level, executed in (("disable", "fp32"), ("basic", "fp32"), ("extended", "int8"), ("all", "int8")):
        settings = {"graph_optimization_level": level}
        with open_backend(FORMATS[".onnx"], path, CONTRACT, Precision.INT8, settings=settings) as opened:
            assert opened.executed_precision == executed
            assert (opened.predict(FACES).argmax(1) == LABELS).mean() >= 0.95
    with pytest.raises(ArtifactError, match="unknown graph optimisation level 'fast'"):
        open_backend(FORMATS[".onnx"], path, CONTRACT, Precision.INT8, settings={"graph_optimization_level": "fast"})


def test_openvino_computes_in_fp32_on_arm(tiny_artifacts: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with load(tiny_artifacts / "tiny-int8.xml") as opened:
        assert opened.executed_precision == "fp32"
        assert (opened.predict(FACES).argmax(1) == LABELS).mean() >= 0.95
