"""Which calibration images set the ranges."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

pytest.importorskip("keras")

import keras
import numpy as np
from keras import layers as L
from numpy.typing import NDArray

from convert.calibration import CalibrationSet
from convert.outliers import typical_images
from convert.plan import AS_EXPORTED, FormatPlan
from convert.rewrites.graph import UnsupportedGraphError
from convert.targets.base import FloatGraphs
from fer_edge.contract import InputContract
from fer_edge.manifest import Calibration

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


def test_at_most_a_quarter_are_outliers(network: keras.Model) -> None:
    calibration = images([1] * 11 + list(np.linspace(50, 255, 9)))
    outliers = np.flatnonzero(~typical_images(network, calibration))
    assert outliers.tolist() == [15, 16, 17, 18, 19]


def test_where_most_images_give_zero_nothing_is_typical(network: keras.Model) -> None:
    assert typical_images(network, images([0] * 12 + [10] * 8)).all()


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
    assert graphs.range_faces(SATURATING) is graphs.calibration.faces
    assert graphs.keras_graph(SATURATING)[1][0].startswith("refused: saturate-outliers")
