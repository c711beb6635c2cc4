"""YuNet's file is not to be had here: a stand-in with its outputs, which marks one face, takes its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from fer_edge.errors import BadInputError, UsageError
from fer_edge.runtime.faces import open_detector

SIDE, STRIDE = 640, 32
CELL = 5 * 20 + 10  # row 5, column 10 of the 20x20 cells of stride 32


def write_stand_in(path: Path) -> Path:
    """Twelve outputs for strides 8, 16, 32 (cls, obj, bbox, kps); one cell is sure, its box two cells wide."""
    nodes, outputs, constants = [], [], []
    image = helper.make_tensor_value_info("input", TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    nodes.append(helper.make_node("ReduceMean", ["input"], ["mean"], axes=[1, 2, 3], keepdims=0))
    constants.append(numpy_helper.from_array(np.zeros((1, 1, 1), np.float32), "zero"))
    nodes.append(helper.make_node("Mul", ["mean", "zero"], ["nothing"]))
    for name, width in (("cls", 1), ("obj", 1), ("bbox", 4), ("kps", 10)):
        for stride in (8, 16, 32):
            values = np.zeros((1, (SIDE // stride) ** 2, width), np.float32)
            if stride == STRIDE and name in ("cls", "obj"):
                values[0, CELL] = 0.9
            if stride == STRIDE and name == "bbox":
                values[0, CELL] = (0, 0, np.log(2), np.log(3))
            constants.append(numpy_helper.from_array(values, f"{name}{stride}"))
            nodes.append(helper.make_node("Add", [f"{name}{stride}", "nothing"], [f"{name}_{stride}"]))
            outputs.append(helper.make_tensor_value_info(f"{name}_{stride}", TensorProto.FLOAT, list(values.shape)))
    graph = helper.make_graph(nodes, "yunet", [image], outputs, constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 11)], ir_version=6), path)
    return path


def test_the_box_is_where_the_model_says_in_the_frame_s_own_pixels(tmp_path: Path) -> None:
    detector = open_detector(f"yunet:{write_stand_in(tmp_path / 'yunet.onnx')}")
    found = detector.detect(np.zeros((1280, 1280, 3), np.uint8))
    assert len(found) == 1
    side = (64 * 96) ** 0.5  # of a square of the same area
    centre = np.array([10 * STRIDE, 5 * STRIDE])
    expected = [*((centre - side / 2) * 2), side * 2, side * 2]
    assert found[0].box == pytest.approx(expected, abs=0.5)
    assert found[0].score == pytest.approx(0.9, abs=0.01)


def test_what_is_no_yunet_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty.onnx").write_bytes(b"")
    (tmp_path / "other.onnx").write_bytes(b"no model at all")
    with pytest.raises(BadInputError, match="there is no file none.onnx"):
        open_detector("yunet:none.onnx")
    for name in ("empty.onnx", "other.onnx"):
        with pytest.raises(BadInputError, match="is not YuNet"):
            open_detector(f"yunet:{tmp_path / name}")
    with pytest.raises(UsageError, match="needs its file"):
        open_detector("yunet")
    with pytest.raises(UsageError, match="haar takes no file"):
        open_detector("haar:cascade.xml")
