"""Pre-activation batch norms as depthwise convolutions."""

from __future__ import annotations

import keras
import numpy as np
from numpy.typing import NDArray

from convert.rewrites.graph import flatten, pre_activation_norms, rebuild


def batch_norm_to_depthwise(
    model: keras.Model, _calibration: NDArray[np.float32] | None = None
) -> tuple[keras.Model, str | None]:
    """Turn every pre-activation batch norm into an equal 1x1 depthwise convolution.

    A batch norm that cannot be folded is exported as Mul and Add, whose constants int8 quantizes with one scale for
    all channels. A depthwise convolution has int8 weights with a scale per channel, an int32 bias and a fused ReLU.

    Returns:
        A flat model with other layers and what was done; or the same model and None when it has no such batch norm.

    Raises:
        UnsupportedGraphError: the model is no graph of layers that are used once.
    """
    graph = flatten(model)
    norms = pre_activation_norms(graph)
    if not norms:
        return model, None
    old = {i: graph.nodes[i].layer for i in norms}
    layers = {i: keras.layers.DepthwiseConv2D(1, name=norm.name, dtype=norm.dtype_policy) for i, norm in old.items()}
    weights = {i: _affine(norm) for i, norm in old.items()}
    return rebuild(graph, layers=layers, weights=weights), (
        f"batch-norm-to-depthwise: {len(norms)} pre-activation batch norms became 1x1 depthwise convolutions"
    )


def _affine(norm: keras.layers.BatchNormalization) -> list[NDArray[np.float32]]:
    """Kernel float32[1, 1, C, 1] and bias float32[C] that do what a batch norm does in inference."""
    mean, variance = (np.asarray(v, np.float64) for v in (norm.moving_mean, norm.moving_variance))
    kernel = (np.asarray(norm.gamma, np.float64) if norm.scale else 1.0) / np.sqrt(variance + norm.epsilon)
    bias = (np.asarray(norm.beta, np.float64) if norm.center else 0.0) - mean * kernel
    return [kernel.reshape(1, 1, -1, 1).astype(np.float32), bias.astype(np.float32)]
