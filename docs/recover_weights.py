"""Give the provisional int8 DenseNet121 back to training: its dequantized weights as initial weights.

The float checkpoint of that model (recipe `scratch`, 26 epochs) was lost with the machine it lay on; the int8 TFLite
file in the repository was not. Every operation of that file maps onto one layer of the Keras network:

1. Kernels are dequantized. A batch norm that conversion had folded into a convolution, or made a depthwise one,
   becomes a batch norm with that scale and offset.
2. What enters the batch norms is measured on training images; their moving statistics become the measured ones,
   gamma and beta what leaves the function unchanged.
3. Gammas move into the convolutions behind them (ReLU lets positive factors through) and kernels are brought to the
   norm of a fresh network, which batch norms undo: training goes on from healthy scales.

    python docs/recover_weights.py TRAINING_DATA OUT.keras
"""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator
from pathlib import Path

import keras  # noqa: TID251
import numpy as np
import numpy.typing as npt
from ai_edge_litert.interpreter import Interpreter  # noqa: TID251

from fer_edge.contract import InputContract
from fer_edge.data.folder import open_images
from fer_edge.models import resolve_model
from fer_edge.training.backbones import build_classifier
from fer_edge.training.batch_norm import BatchNormStatistics
from fer_edge.training.pipeline import Cache, fill_cache, plain_batches

SIZE, IMAGES = 48, 1024
Array = npt.NDArray[np.float64]
BatchNorm = keras.layers.BatchNormalization


def operations(path: str) -> Iterator[tuple[Array, Array]]:
    """Dequantized weights and bias of every operation that has some, after the input scaling."""
    interpreter = Interpreter(path)
    interpreter.allocate_tensors()
    details = {tensor["index"]: tensor for tensor in interpreter.get_tensor_details()}

    def dequantized(index: int) -> Array:
        quantization, values = details[index]["quantization_parameters"], interpreter.get_tensor(index)
        shape = [1] * values.ndim
        shape[quantization["quantized_dimension"]] = -1
        shifted = values.astype(np.float64) - quantization["zero_points"].reshape(shape)
        return np.asarray(shifted * quantization["scales"].reshape(shape))

    weighted = [
        operation
        for operation in interpreter._get_ops_details()
        if operation["op_name"] in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
    ]
    for operation in weighted[1:]:
        yield dequantized(operation["inputs"][1]), dequantized(operation["inputs"][2])


def weighted_layers(model: keras.Model) -> list[keras.layers.Layer]:
    """Convolutions, batch norms and dense layers in order, without the input scaling."""
    kinds = (keras.layers.Conv2D, BatchNorm, keras.layers.Dense)
    return [layer for layer in model.layers if isinstance(layer, kinds) and layer.name != "scaling"]


def copy_weights(model: keras.Model, path: str) -> dict[str, tuple[Array, Array]]:
    """Fill `model`; returns scale and offset of every batch norm."""
    source, affine = operations(path), {}
    layers = weighted_layers(model)
    folded = None
    for layer, following in zip(layers, [*layers[1:], None], strict=True):
        if isinstance(layer, BatchNorm):
            scale, offset = (np.ones_like(folded), folded) if folded is not None else next(source)
            affine[layer.name] = scale.reshape(-1), offset
            unit = np.full_like(offset, 1 - layer.epsilon)
            layer.set_weights([scale.reshape(-1), offset, np.zeros_like(offset), unit])
            folded = None
        elif isinstance(layer, keras.layers.Conv2D):
            kernel, bias = next(source)
            layer.kernel.assign(kernel.transpose(1, 2, 3, 0))
            folded = (
                bias if isinstance(following, BatchNorm) and following.name.endswith(("conv1_bn", "_1_bn")) else None
            )
        else:
            kernel, bias = next(source)
            layer.set_weights([kernel.T, bias])
    if next(source, None) is not None:
        raise ValueError(f"{path} has more layers than DenseNet121")
    return affine


def restore_statistics(model: keras.Model, affine: dict[str, tuple[Array, Array]], training: Cache) -> None:
    """Measure what enters the batch norms, and keep the function."""
    norms = [layer for layer in model.layers if isinstance(layer, BatchNorm)]
    probe = keras.Model(model.input, [layer.input for layer in norms])
    sums = [np.zeros((2, len(affine[layer.name][0]))) for layer in norms]
    counts = [0] * len(norms)
    for images, _ in plain_batches(training, SIZE, 64, IMAGES):
        for i, entering in enumerate(probe(images, training=False)):
            values = np.asarray(entering, np.float64).reshape(-1, entering.shape[-1])
            sums[i] += [values.sum(axis=0), (values**2).sum(axis=0)]
            counts[i] += len(values)
    for layer, (total, squares), count in zip(norms, sums, counts, strict=True):
        mean = total / count
        variance = np.maximum(squares / count - mean**2, 0)
        scale, offset = affine[layer.name]
        layer.set_weights([scale * np.sqrt(variance + layer.epsilon), offset + scale * mean, mean, variance])


def balance(model: keras.Model, training: Cache) -> None:
    """Gammas of one, kernels of a fresh network's norm."""
    layers = weighted_layers(model)
    for layer, following in itertools.pairwise(layers):
        if isinstance(layer, BatchNorm) and not isinstance(following, BatchNorm) and layer.name != "conv1_bn":
            factor = np.maximum(np.abs(layer.gamma.numpy()), 1e-3)
            layer.gamma.assign(layer.gamma / factor)
            layer.beta.assign(layer.beta / factor)
            following.kernel.assign(following.kernel * factor[:, None])
    for layer in layers:
        if isinstance(layer, keras.layers.Conv2D):
            kernel = layer.kernel.numpy()
            norm = np.sqrt((kernel**2).sum(axis=(0, 1, 2)))
            layer.kernel.assign(kernel * np.sqrt(2) / np.maximum(norm, 1e-6) * (norm > 1e-5))
    BatchNormStatistics(model).estimate(plain_batches(training, SIZE, 128, 2000))


def main(data: str, out: str) -> None:
    """Write the recovered network."""
    if Path(out).exists():
        raise FileExistsError(out)
    images = open_images(data, prefer="train")
    contract = InputContract(height=SIZE, width=SIZE, colour="grey", labels=images.labels)
    training = fill_cache(images, contract)
    model = build_classifier("densenet121", contract, any_size=True)
    affine = copy_weights(model, str(resolve_model("zoo:densenet121-int8")))
    restore_statistics(model, affine, training)
    balance(model, training)
    model.save(out)


if __name__ == "__main__":
    main(*sys.argv[1:])
