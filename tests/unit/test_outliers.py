"""Which calibration images set the ranges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("keras")
pytest.importorskip("onnxruntime")

import keras
import numpy as np
import onnx
from keras import layers as L
from numpy.typing import NDArray

from convert.calibration import CalibrationSet
from convert.outliers import typical, typical_images
from convert.plan import AS_EXPORTED, FormatPlan
from convert.rewrites.graph import UnsupportedGraphError
from convert.targets.base import FloatGraphs
from convert.targets.onnx import OnnxTarget
from convert.targets.tflite import TfliteTarget
from fer_edge.contract import InputContract
from fer_edge.manifest import Calibration, Precision

Images = NDArray[np.float32]
SATURATING = FormatPlan(saturate_outliers=True)


class Own(keras.Model):
    """A model whose layers cannot be listed."""

    def __init__(self, inner: keras.Model) -> None:
        super().__init__()
        self.inner = inner

    def call(self, x: keras.KerasTensor) -> keras.KerasTensor:
        """The inner model's output."""
        return self.inner(x)


@pytest.fixture
def network() -> keras.Model:
    """Positively homogeneous up to the softmax: an image k times brighter has activations k times larger."""
    keras.utils.set_random_seed(0)
    pixels = keras.Input((16, 16, 3))
    x = L.Conv2D(4, 3, activation="relu", use_bias=False)(pixels)
    return keras.Model(pixels, L.Dense(3, activation="softmax")(L.GlobalAveragePooling2D()(x)))


def images(brightness: Sequence[float]) -> Images:
    noise = np.random.default_rng(2).uniform(0.5, 1, (len(brightness), 16, 16, 3))
    return np.asarray(noise * np.reshape(brightness, (-1, 1, 1, 1)), np.float32)


def test_images_far_beyond_the_typical_are_outliers(network: keras.Model) -> None:
    calibration = images([10] * 16 + [25, 255, 1, 200])
    assert np.flatnonzero(~typical_images(network, calibration)).tolist() == [17, 19]


def test_at_most_a_quarter_are_outliers_the_furthest_first() -> None:
    peaks = np.ones((4, 10), np.float32)
    for tensor in range(4):
        peaks[tensor, tensor] = 20 + tensor
    assert np.flatnonzero(~typical(peaks)).tolist() == [2, 3]


def test_a_sparse_tensor_says_nothing() -> None:
    peaks = np.ones((2, 40), np.float32)
    peaks[0] = np.where(np.arange(40) % 3, 0.001, 5)  # a gate that is open for a third of the images
    peaks[1, 7] = 25
    assert np.flatnonzero(~typical(peaks)).tolist() == [7]


def test_where_most_images_give_zero_nothing_is_typical() -> None:
    assert typical(np.array([[0] * 12 + [10] * 8], np.float32)).all()
    assert typical(np.empty((0, 5), np.float32)).all()


def test_tensors_without_an_image_axis_are_left_out() -> None:
    pixels = keras.Input((16, 16, 3))
    windows = keras.ops.reshape(pixels, (-1, 8, 16, 3))
    x = L.Conv2D(4, 3, padding="same")(windows)
    x = L.Dense(3)(keras.ops.mean(keras.ops.reshape(x, (-1, 16, 16, 4)), axis=(1, 2)))
    model = keras.Model(pixels, L.Softmax()(x))
    assert typical_images(model, images([10] * 8)).all()


def test_a_model_that_is_no_graph_is_refused(network: keras.Model) -> None:
    with pytest.raises(UnsupportedGraphError):
        typical_images(Own(network), images([1, 2]))


def float_graphs(model: keras.Model, work: Path) -> FloatGraphs:
    faces = images([10] * 9 + [255]).astype(np.uint8)
    record = Calibration(sha256="0" * 64, count=len(faces), images=())
    contract = InputContract(height=16, width=16, colour="rgb", labels=("a", "b", "c"))
    return FloatGraphs(model, contract, CalibrationSet(faces, record), work)


def test_a_plan_says_whether_outliers_set_ranges(network: keras.Model, tmp_path: Path) -> None:
    graphs = float_graphs(network, tmp_path)
    faces = graphs.calibration.faces
    assert graphs.range_faces(AS_EXPORTED) is faces
    assert graphs.keras_graph(AS_EXPORTED)[1] == ()
    assert np.array_equal(graphs.range_faces(SATURATING), faces[:9])
    assert graphs.keras_graph(SATURATING)[1] == ("saturate-outliers: 1 of 10 calibration images do not set ranges",)


def test_a_model_that_is_no_graph_keeps_all_images(network: keras.Model, tmp_path: Path) -> None:
    graphs = float_graphs(Own(network), tmp_path)
    assert len(graphs.range_faces(SATURATING)) == len(graphs.calibration.faces)
    assert graphs.keras_graph(SATURATING)[1][0].startswith("refused: saturate-outliers")


def test_the_ranges_shrink_in_the_files(network: keras.Model, tmp_path: Path) -> None:
    """One image 25 times brighter than the rest: the scale of the convolution's output follows."""
    ratios = {}
    for target, read in ((TfliteTarget(), tflite_scales), (OnnxTarget(), onnx_scales)):
        scales = []
        for plan in (AS_EXPORTED, SATURATING):
            work = tmp_path / f"{read.__name__}-{plan.saturate_outliers}"
            work.mkdir()
            target.convert(float_graphs(network, work), Precision.INT8, plan, work / "model")
            scales.append(read(work / "model"))
        ratios[read.__name__] = scales[0] / scales[1]
    assert 15 < ratios["onnx_scales"] < 40
    assert ratios["tflite_scales"] > 2  # one white pixel, which gives the input its scale, stretches the range too


def tflite_scales(path: Path) -> float:
    from ai_edge_litert.interpreter import Interpreter

    details = Interpreter(str(path)).get_tensor_details()
    return float(next(d["quantization"][0] for d in details if d["shape"].tolist() == [1, 14, 14, 4]))


def onnx_scales(path: Path) -> float:
    model = onnx.load(path)
    values = {i.name: onnx.numpy_helper.to_array(i) for i in model.graph.initializer}
    outputs = {output for node in model.graph.node if node.op_type in ("Conv", "Relu") for output in node.output}
    scales = [n.input[1] for n in model.graph.node if n.op_type == "QuantizeLinear" and n.input[0] in outputs]
    return float(values[scales[-1]])
