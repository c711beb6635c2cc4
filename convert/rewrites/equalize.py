"""Cross-layer channel equalization of what feeds pre-activation batch norms.

After Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias Correction": a positive scale per
channel moves through ReLU, pooling, addition and concatenation, so it can be multiplied into the layers that make a
tensor and divided out of those that read it, and the network computes the same. There it balances pairs of layers from
their weights; here it brings every channel of a concatenation or residual stream, which int8 quantizes with one scale
for all of them, to a peak of 1 over the calibration images.
"""

from __future__ import annotations

from collections.abc import Callable

import keras
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from convert.rewrites.graph import Graph, Node, channel_peaks, flatten, pre_activation_norms, rebuild

Array = NDArray[np.float64]
DEAD_PEAK = 1e-6  # a channel that never exceeds this is left as it is
MIN_PEAK = 1e-4  # no channel grows more than 1 / MIN_PEAK times

_L = keras.layers
_HOMOGENEOUS = (
    _L.ReLU, _L.LeakyReLU, _L.PReLU, _L.Activation, _L.Identity, _L.Dropout, _L.SpatialDropout2D, _L.GaussianNoise,
    _L.GaussianDropout, _L.MaxPooling2D, _L.AveragePooling2D, _L.GlobalAveragePooling2D, _L.GlobalMaxPooling2D,
    _L.ZeroPadding2D, _L.Cropping2D, _L.UpSampling2D,
)  # fmt: skip
_ELEMENTWISE = (_L.Add, _L.Subtract, _L.Average, _L.Maximum, _L.Minimum)
_POSITIVE = (keras.activations.linear, keras.activations.relu, keras.activations.leaky_relu)


def equalize_channels(model: keras.Model, calibration: NDArray[np.float32]) -> tuple[keras.Model, str | None]:
    """Bring every channel that feeds a pre-activation batch norm to |x| <= 1 on the calibration images.

    Channels that addition or pooling ties together (a residual stream) get one scale. Where something on the way is
    not positively homogeneous (ReLU6, sigmoid, Multiply, a batch norm without gamma, ...) the channel stays as it is.

    Args:
        model: one image input, one output.
        calibration: float32[N, H, W, 3], 0-255 RGB.

    Returns:
        A flat model with other weights and what was done; or the same model and None when nothing can be scaled.

    Raises:
        UnsupportedGraphError: the model is no graph of layers that are used once.
    """
    graph = flatten(model)
    norms = pre_activation_norms(graph)
    if not norms:
        return model, None
    first = np.cumsum([0, *(graph.channels(tensor) for tensor in range(len(graph.tensors)))])
    group, pinned = _groups(graph, first)
    targets = sorted({graph.nodes[i].inputs[0] for i in norms})
    peak = np.zeros(len(pinned))
    for tensor, found in zip(targets, channel_peaks(graph, targets, calibration), strict=True):
        np.maximum.at(peak, group[first[tensor] : first[tensor + 1]], found)
    peak[pinned] = 0
    scale = np.where(peak > DEAD_PEAK, 1 / np.maximum(peak, MIN_PEAK), 1.0)
    if not (scale != 1).any():
        return model, None
    by_tensor = [scale[group[first[t] : first[t + 1]]] for t in range(len(graph.tensors))]
    weights = {i: new for i, node in enumerate(graph.nodes) if (new := _absorb(node, by_tensor)) is not None}
    touched = sum((by_tensor[graph.nodes[i].inputs[0]] != 1).any() for i in norms)
    return rebuild(graph, weights=weights), (
        f"equalize-channels: {(scale != 1).sum()} channel groups that feed {touched} pre-activation batch norms "
        f"scaled to a peak of 1 on {len(calibration)} calibration images"
    )


def _groups(graph: Graph, first: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Find the channels that must share one scale.

    Args:
        graph: the model.
        first: int64[tensors + 1], number of each tensor's first channel.

    Returns:
        int64[channels] number of the group each channel is in; bool[groups] groups whose scale must be 1.
    """
    channels = [np.arange(first[t], first[t + 1]) for t in range(len(graph.tensors))]
    ties: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    pins = [channels[0], channels[graph.output]]
    for node in graph.nodes:
        into, out = [channels[t] for t in node.inputs], [channels[t] for t in node.outputs]
        if _ties(node, graph):
            together = [np.concatenate(into)] if type(node.layer) is _L.Concatenate else into
            ties += [(part, out[0]) for part in together]
        elif type(node.layer) not in _SCALABLE or not _is_plain(node):
            pins += [*into, *out]
        elif not _keeps_sign(node.layer):
            pins += out
    pairs = np.concatenate([np.empty((2, 0), np.int64), *(np.stack(tie) for tie in ties)], axis=1)
    matrix = coo_array((np.ones(pairs.shape[1], np.int8), tuple(pairs)), shape=(first[-1], first[-1]))
    count, group = connected_components(matrix, directed=False)
    pinned = np.zeros(count, bool)
    pinned[group[np.concatenate(pins)]] = True
    return group, pinned


def _ties(node: Node, graph: Graph) -> bool:
    """Whether the output's channels are the inputs', and positive scales pass through unchanged."""
    layer, (out,) = node.layer, node.outputs[:1]
    width = sum(graph.channels(t) for t in node.inputs)
    rank = len(graph.tensors[out].shape)
    if not _is_channels_last(layer):
        return False
    if type(layer) is _L.Concatenate:
        return layer.axis in (-1, rank - 1) and width == graph.channels(out)
    if type(layer) in _ELEMENTWISE:
        return all(graph.channels(t) == graph.channels(out) for t in node.inputs)
    return type(layer) in _HOMOGENEOUS and _keeps_sign(layer) and width == graph.channels(out)


def _keeps_sign(layer: keras.Operation) -> bool:
    """Whether the layer's activation, if any, lets a positive factor through."""
    if type(layer) is _L.ReLU:
        return layer.max_value is None and not layer.threshold
    return type(layer) is _L.PReLU or getattr(layer, "activation", keras.activations.linear) in _POSITIVE


def _is_channels_last(layer: keras.Operation) -> bool:
    return getattr(layer, "data_format", "channels_last") == "channels_last"


def _is_plain(node: Node) -> bool:
    """Whether scales can be multiplied into the weights: float, channels last, and a gamma in a batch norm."""
    layer = node.layer
    if type(layer) is _L.BatchNormalization:
        return bool(layer.scale) and layer.axis in (-1, len(layer.output.shape) - 1)
    return _is_channels_last(layer) and len(layer.get_weights()) == 1 + layer.use_bias


def _absorb(node: Node, scale: list[Array]) -> list[NDArray[np.float32]] | None:
    """The node's weights for inputs and outputs that are `scale` times larger; None when they stay."""
    rule = _SCALABLE.get(type(node.layer))
    if rule is None:
        return None
    into, out = scale[node.inputs[0]], scale[node.outputs[0]]
    if (into == 1).all() and (out == 1).all():
        return None
    old = [np.asarray(w, np.float64) for w in node.layer.get_weights()]
    return [w.astype(np.float32) for w in rule(node.layer, old, into, out)]


def _dense(_layer: keras.layers.Layer, weights: list[Array], into: Array, out: Array) -> list[Array]:
    return [weights[0] / into[:, None] * out, *(bias * out for bias in weights[1:])]


def _conv(layer: keras.layers.Layer, weights: list[Array], into: Array, out: Array) -> list[Array]:
    """Kernel (h, w, inputs / groups, outputs): outputs come group by group."""
    readers = np.repeat(into.reshape(layer.groups, -1).T, len(out) // layer.groups, axis=1)
    return [weights[0] / readers * out, *(bias * out for bias in weights[1:])]


def _depthwise(_layer: keras.layers.Layer, weights: list[Array], into: Array, out: Array) -> list[Array]:
    """Kernel (h, w, inputs, multiplier): outputs come input by input."""
    kernel = weights[0] / into[:, None] * out.reshape(weights[0].shape[2:])
    return [kernel, *(bias * out for bias in weights[1:])]


def _batch_norm(layer: keras.layers.Layer, weights: list[Array], into: Array, out: Array) -> list[Array]:
    """Gamma and mean absorb the input's scale, so that the variance, and epsilon beside it, need not change."""
    gamma, *beta, mean, variance = weights
    return [gamma / into * out, *(b * out for b in beta), mean * into, variance]


_SCALABLE: dict[type, Callable[[keras.layers.Layer, list[Array], Array, Array], list[Array]]] = {
    _L.Dense: _dense,
    _L.Conv2D: _conv,
    _L.DepthwiseConv2D: _depthwise,
    _L.BatchNormalization: _batch_norm,
}
