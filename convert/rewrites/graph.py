"""A Keras model as a flat list of calls, and back: what the rewrites work on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fer_edge.errors import CheckpointError

_BATCH = 16  # images per forward pass
_ABSORBING = (keras.layers.Conv2D, keras.layers.DepthwiseConv2D, keras.layers.Dense)
_SILENT = (keras.layers.Dropout, keras.layers.SpatialDropout2D, keras.layers.Identity)


class UnsupportedGraphError(CheckpointError):
    """The model is no plain graph of layers from one input to one output, each used once."""


@dataclass(frozen=True)
class Node:
    """One call of one layer.

    Attributes:
        layer: the Keras layer, or a bare `keras.ops` operation.
        inputs: flat ids of the tensors it reads, in the order of its arguments.
        outputs: flat ids of the tensors it makes.
        call: Keras' own record of the call, which knows its other arguments.
    """

    layer: keras.Operation
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    call: Any


@dataclass(frozen=True)
class Graph:
    """A model without nesting.

    Attributes:
        name: of the model.
        nodes: in an order in which they can run.
        tensors: symbolic tensors by flat id; they give shape and dtype.
        output: flat id of the model's output; its input is 0.
    """

    name: str
    nodes: tuple[Node, ...]
    tensors: tuple[keras.KerasTensor, ...]
    output: int

    def channels(self, tensor: int) -> int:
        """Size of a tensor's last axis; 0 when it has none that is fixed."""
        shape = self.tensors[tensor].shape
        return int(shape[-1]) if len(shape) > 1 and shape[-1] is not None else 0


def flatten(model: keras.Model) -> Graph:
    """List the calls of a Functional or Sequential model; nested models are expanded.

    Raises:
        UnsupportedGraphError: subclassed or unbuilt model, several inputs or outputs, weights that two calls share.
    """
    if not _is_graph(model):
        raise UnsupportedGraphError(
            f"{model.name} is not a built Functional or Sequential model",
            "Build it with keras.Model(inputs, outputs)",
        )
    if len(model.inputs) != 1 or len(model.outputs) != 1:
        raise UnsupportedGraphError(
            f"{model.name} has {len(model.inputs)} inputs and {len(model.outputs)} outputs, not one of each",
            "Save a model that takes one image and gives one vector of probabilities",
        )
    nodes: list[Node] = []
    tensors = [model.inputs[0]]
    (output,) = _expand(model, (0,), nodes, tensors)
    seen: set[int] = set()
    for node in nodes:
        if id(node.layer) in seen and _weights(node.layer):
            raise UnsupportedGraphError(
                f"layer {node.layer.name!r} is called more than once, so that its weights are shared",
                "Give every call a layer of its own",
            )
        seen.add(id(node.layer))
    return Graph(model.name, tuple(nodes), tuple(tensors), output)


def rebuild(
    graph: Graph,
    *,
    layers: Mapping[int, keras.layers.Layer] | None = None,
    weights: Mapping[int, list[NDArray[np.float32]]] | None = None,
) -> keras.Model:
    """Make a new, flat functional model; the old one and its weights stay as they are.

    Args:
        graph: from `flatten`.
        layers: node position -> the layer, not yet called, that takes this one-input node's place.
        weights: node position -> its new weights; every other node keeps its own.
    """
    values = _replay(graph, layers or {}, weights or {})
    return keras.Model(values[0], values[graph.output], name=graph.name)


def channel_peaks(graph: Graph, tensors: Sequence[int], images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Largest |x| of every channel of some tensors (rank 4) over `images`: one float32[C] for each tensor."""
    return [found.max(axis=0) for found in _peaks(graph, tensors, images, lambda rank: range(1, rank - 1))]


def image_peaks(graph: Graph, tensors: Sequence[int], images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Largest |x| of some tensors in every image: one float32[N] for each tensor whose first axis is the image."""
    found = _peaks(graph, tensors, images, lambda rank: range(1, rank))
    return [peak for peak in found if len(peak) == len(images)]


def _peaks(
    graph: Graph, tensors: Sequence[int], images: NDArray[np.float32], axes: Callable[[int], Iterable[int]]
) -> list[NDArray[np.float32]]:
    values = _replay(graph, {}, {})
    kept = [values[tensor] for tensor in tensors]
    outputs = [keras.ops.max(keras.ops.abs(x), axis=tuple(axes(len(x.shape)))) for x in kept]
    return run(keras.Model(values[0], outputs), images)


def run(model: keras.Model, images: NDArray[np.float32]) -> list[NDArray[np.float32]]:
    """Run a model in inference mode, a few images at a time; one array for each output."""
    source = model.inputs[0]
    signature = tf.TensorSpec((None, *source.shape[1:]), source.dtype)
    function = tf.function(lambda batch: model(batch, training=False), input_signature=[signature])
    parts = [keras.tree.flatten(function(images[i : i + _BATCH])) for i in range(0, len(images), _BATCH)]
    return [np.concatenate([np.asarray(part, np.float32) for part in column]) for column in zip(*parts, strict=True)]


def pre_activation_norms(graph: Graph) -> list[int]:
    """Positions of the batch norms on images (rank 4) that no converter can fold into the layer in front.

    Such a norm follows a concatenation, an addition, a pooling, an activation or the like. One that directly follows a
    convolution or dense layer without activation, whose output nothing else reads, is folded and so not listed.
    """
    producer = {tensor: node for node in graph.nodes for tensor in node.outputs}
    readers: dict[int, int] = {graph.output: 1}
    for node in graph.nodes:
        for tensor in node.inputs:
            readers[tensor] = readers.get(tensor, 0) + 1

    def foldable(tensor: int) -> bool:
        node = producer.get(tensor)
        if node is None or readers[tensor] > 1:
            return False
        if type(node.layer) in _SILENT:
            return foldable(node.inputs[0])
        return type(node.layer) in _ABSORBING and node.layer.activation is keras.activations.linear

    return [
        i
        for i, node in enumerate(graph.nodes)
        if type(node.layer) is keras.layers.BatchNormalization
        and len(graph.tensors[node.inputs[0]].shape) == 4
        and node.layer.axis in (-1, 3)
        and not foldable(node.inputs[0])
    ]


def _is_graph(layer: object) -> bool:
    return isinstance(layer, keras.Model) and bool(getattr(layer, "inputs", None))


def _weights(layer: keras.Operation) -> list[NDArray[np.float32]]:
    return layer.get_weights() if isinstance(layer, keras.layers.Layer) else []


def _expand(
    model: keras.Model, given: tuple[int, ...], nodes: list[Node], tensors: list[keras.KerasTensor]
) -> tuple[int, ...]:
    """Append the calls inside `model`, which reads the tensors `given`; returns the ids of its outputs."""
    ids = {id(tensor): number for tensor, number in zip(model.inputs, given, strict=True)}
    for call in _calls(model):
        inputs = tuple(ids[id(tensor)] for tensor in call.input_tensors)
        if _is_graph(call.operation):
            outputs = _expand(call.operation, inputs, nodes, tensors)
        else:
            outputs = tuple(range(len(tensors), len(tensors) + len(call.outputs)))
            tensors.extend(call.outputs)
            nodes.append(Node(call.operation, inputs, outputs, call))
        ids.update((id(tensor), number) for tensor, number in zip(call.outputs, outputs, strict=True))
    return tuple(ids[id(tensor)] for tensor in model.outputs)


def _calls(model: keras.Model) -> list[Any]:
    """Keras' records of the calls between a model's inputs and outputs, in an order in which they can run."""
    known = {id(tensor) for tensor in model.inputs}
    calls, stack = [], list(model.outputs)
    while stack:
        tensor = stack[-1]
        if id(tensor) in known:
            stack.pop()
            continue
        operation, position, _ = tensor._keras_history
        call = operation._inbound_nodes[position]
        if missing := [t for t in call.input_tensors if id(t) not in known]:
            stack.extend(missing)
        else:
            calls.append(call)
            known.update(id(t) for t in call.outputs)
    return calls


def _replay(
    graph: Graph, layers: Mapping[int, keras.layers.Layer], weights: Mapping[int, list[NDArray[np.float32]]]
) -> dict[int, keras.KerasTensor]:
    """Call copies of all layers again; new symbolic tensors by flat id."""
    source = graph.tensors[0]
    values = {0: keras.Input(batch_shape=source.shape, dtype=source.dtype, name=source.name)}
    names = {source.name}
    for i, node in enumerate(graph.nodes):
        layer = layers.get(i) or _copy(node.layer, names)
        names.add(layer.name)
        if i in layers:
            result = layer(values[node.inputs[0]])
        else:
            known = {id(t): values[n] for t, n in zip(node.call.input_tensors, node.inputs, strict=True)}
            args, kwargs = node.call.arguments.fill_in(known)
            result = layer(*args, **kwargs)
        values.update(zip(node.outputs, keras.tree.flatten(result), strict=True))
        if (new := weights.get(i, _weights(node.layer))) and isinstance(layer, keras.layers.Layer):
            layer.set_weights(new)
    return values


def _copy(layer: keras.Operation, names: set[str]) -> keras.Operation:
    """The same layer with new weights, under a name that is not among `names` (two nested models may both use it)."""
    name, number = layer.name, 1
    while name in names:
        number += 1
        name = f"{layer.name}_{number}"
    return type(layer).from_config({**layer.get_config(), "name": name})
