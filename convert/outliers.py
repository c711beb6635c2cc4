"""Calibration images that would stretch every range."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from convert.rewrites.graph import flatten, image_peaks

if TYPE_CHECKING:
    import keras

LIMIT = 10.0  # times the typical image's largest activation
MIN_KEPT = 0.75  # of the images always set the ranges


def typical_images(model: keras.Model, calibration: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Find the images that should set the int8 ranges.

    A network can answer the clearest images of one class with activations a hundred times the usual ones, in all
    channels of its last layers. Ranges that include those leave every other image one or two int8 steps. Without them
    they saturate, still far out on the side where they were.

    Args:
        model: float32[N, H, W, 3] in 0-255 RGB -> float32[N, classes].
        calibration: float32[N, H, W, 3], 0-255 RGB.

    Returns:
        bool[N], see `typical`, over all tensors that a layer with weights reads.

    Raises:
        UnsupportedGraphError: the model is no graph of layers that are used once.
    """
    graph = flatten(model)
    read = {tensor for node in graph.nodes if getattr(node.layer, "weights", None) for tensor in node.inputs}
    found = image_peaks(graph, sorted(read), calibration) if read else []
    return typical(np.array(found, np.float32).reshape(-1, len(calibration)))


def typical(peaks: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Tell typical images from outliers.

    Args:
        peaks: float32[tensors, N], the largest |x| of each tensor in each image.

    Returns:
        bool[N], false for images that exceed `LIMIT` times the median image in some tensor; of more than a quarter of
        the images those furthest out. A tensor in which more than a quarter exceed it is sparse, or zero for most, and
        says nothing.
    """
    times = np.zeros(peaks.shape[1])
    for peak in peaks:
        limit = LIMIT * np.median(peak)
        if limit > 0 and (peak > limit).mean() <= 1 - MIN_KEPT:
            times = np.maximum(times, peak / limit)
    return np.asarray(times <= max(1.0, np.quantile(times, MIN_KEPT, method="inverted_cdf")))
