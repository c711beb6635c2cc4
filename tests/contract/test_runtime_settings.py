"""What a single runtime is told."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
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


def test_onnx_int8_does_not_saturate_without_vnni(tmp_path: Path) -> None:
    """Pairs of large products overflow 16 bits, in which processors without VNNI add them up."""
    path = tmp_path / "saturating.onnx"
    onnx.save(_saturating_model(), path)
    faces = np.random.default_rng(0).integers(200, 256, (8, CONTRACT.height, CONTRACT.width, 3), dtype=np.uint8)
    given = {}
    for level in ("all", "disable"):
        settings = {"graph_optimization_level": level}
        with open_backend(FORMATS[".onnx"], path, CONTRACT, Precision.INT8, settings=settings) as opened:
            given[level] = opened.predict(faces)
    assert given["all"] == pytest.approx(given["disable"], abs=0.02)


def _saturating_model() -> onnx.ModelProto:
    """A QDQ convolution of the largest weights, whose classes are the colour channels."""
    labels = len(CONTRACT.labels)
    weights = np.full((labels, 3, 3, 3), 100, np.int8)
    for label in range(labels):
        weights[label, label % 3] = 127
    arrays = {
        "step": np.float32(1),
        "zero": np.int8(-128),
        "weights": weights,
        "weight_step": np.float32(1e-4),
        "weight_zero": np.int8(0),
        "sum_step": np.float32(0.5),
    }
    constants = [onnx.numpy_helper.from_array(np.asarray(value), name) for name, value in arrays.items()]
    nodes = [
        onnx.helper.make_node("Transpose", ["pixels"], ["planes"], perm=[0, 3, 1, 2]),
        onnx.helper.make_node("QuantizeLinear", ["planes", "step", "zero"], ["planes8"]),
        onnx.helper.make_node("DequantizeLinear", ["planes8", "step", "zero"], ["planes32"]),
        onnx.helper.make_node("DequantizeLinear", ["weights", "weight_step", "weight_zero"], ["weights32"]),
        onnx.helper.make_node("Conv", ["planes32", "weights32"], ["sums"]),
        onnx.helper.make_node("QuantizeLinear", ["sums", "sum_step", "zero"], ["sums8"]),
        onnx.helper.make_node("DequantizeLinear", ["sums8", "sum_step", "zero"], ["sums32"]),
        onnx.helper.make_node("ReduceMean", ["sums32"], ["means"], axes=[2, 3], keepdims=0),
        onnx.helper.make_node("Softmax", ["means"], ["probabilities"], axis=1),
    ]
    float32 = onnx.TensorProto.FLOAT
    source = onnx.helper.make_tensor_value_info("pixels", float32, [1, CONTRACT.height, CONTRACT.width, 3])
    sink = onnx.helper.make_tensor_value_info("probabilities", float32, [1, labels])
    graph = onnx.helper.make_graph(nodes, "saturating", [source], [sink], constants)
    return onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
