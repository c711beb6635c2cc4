"""Calibration images that would stretch every range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.rewrites.graph import flatten, peaks

if TYPE_CHECKING:
    import keras

LIMIT = 10.0  # times the typical image's largest activation
MIN_KEPT = 0.75  # of the images always set the ranges


def typical_images(model: keras.Model, calibration: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the images that should set the int8 ranges.

    A network can answer a few images of one class with activations a hundred times the usual ones, in all channels of
    its last layers. Ranges that include those leave every other image one or two int8 steps. Without them the outliers
    saturate, far out on the side where they were.

    Args:
        model: float32[N, H, W, 3] in 0-255 RGB -> float32[N, classes].
        calibration: float32[N, H, W, 3], 0-255 RGB.

    Returns:
        bool[N], false for images of which some tensor that a layer with weights reads holds an |x| more than `LIMIT`
        times the median image's; for a quarter of the images, those furthest out, at most.

    Raises:
        UnsupportedGraphError: the model is no graph of layers that are used once.
    """
    graph = flatten(model)
    read = {node.inputs[0] for node in graph.nodes if getattr(node.layer, "weights", None)}
    largest = np.stack(peaks(graph, sorted(read), calibration, of_channels=False))
    typical = np.median(largest, axis=1)
    alive = typical > 0  # of a tensor that is zero for most images nothing is typical
    times = (largest[alive] / typical[alive, None]).max(axis=0, initial=1)
    return np.asarray(times <= max(LIMIT, np.quantile(times, MIN_KEPT)))
