"""The three networks of the study: one table, one head."""

from __future__ import annotations

import contextlib
import itertools
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path

import keras

from fer_edge.checkpoint import LOADING_ERRORS, read_checkpoint_info
from fer_edge.contract import InputContract
from fer_edge.errors import CheckpointError, DownloadError, UsageError
from fer_edge.models import resolve_model
from fer_edge.scaling import scaling_weights

Channels = tuple[float, ...]
SCALING = "scaling"
BROKEN_DOWNLOADS = (ConnectionError, TimeoutError, HTTPException, ValueError)


@dataclass(frozen=True)
class Backbone:
    """A network of `keras.applications`.

    Attributes:
        builder: attribute of `keras.applications`.
        min_size: smallest input side it accepts, pixels.
        imagenet_mean: what its ImageNet weights expect to be subtracted, per channel, in 0-255.
        imagenet_std: and to be divided by afterwards.
    """

    builder: str
    min_size: int
    imagenet_mean: tuple[float, float, float]
    imagenet_std: tuple[float, float, float]


_CENTRED = ((127.5, 127.5, 127.5), (127.5, 127.5, 127.5))
_TORCH = ((123.675, 116.28, 103.53), (58.395, 57.12, 57.375))
BACKBONES = {
    "densenet121": Backbone("DenseNet121", 32, *_TORCH),
    "inceptionv3": Backbone("InceptionV3", 75, *_CENTRED),
    "resnet50v2": Backbone("ResNet50V2", 32, *_CENTRED),
}


def backbone(name: str) -> Backbone:
    """Look a backbone up.

    Raises:
        UsageError: unknown name.
    """
    if name not in BACKBONES:
        raise UsageError(f"unknown architecture {name!r}", f"Choose one of: {', '.join(BACKBONES)}, all")
    return BACKBONES[name]


def check_size(architecture: str, size: int) -> None:
    """Refuse an input side that the network cannot take.

    Raises:
        UsageError: unknown network, or `size` is below its minimum.
    """
    if size < (least := backbone(architecture).min_size):
        raise UsageError(f"{architecture} needs at least {least} px, not {size}", f"Use --size {least} or more")


def check_weights(weights: str, architectures: Iterable[str]) -> None:
    """Refuse initial weights that cannot be had (see `build_classifier`), before anything is read or written.

    Raises:
        CheckpointError: no such file, zoo model or checkpoint, or one of another network.
    """
    info = None if weights in ("none", "imagenet") else read_checkpoint_info(resolve_model(weights))
    for name in architectures:
        if info is not None and info.architecture not in ("unknown", name):
            raise CheckpointError(f"{weights} is a {info.architecture}, not a {name}", "Use a matching one")


def _scaling_layer(colour: str, mean: Channels, std: Channels) -> keras.layers.Layer:
    layer = keras.layers.Conv2D(3, 1, name=SCALING, trainable=False, dtype="float32")
    layer.build((None, None, None, 3))
    layer.set_weights(scaling_weights(colour, 1.0, mean, std))
    return layer


def _mean_and_std(spec: Backbone, weights: str, donor: list[keras.layers.Layer]) -> tuple[Channels, Channels]:
    """What the initial weights expect to be subtracted from 0-255 pixels, and what these are to be divided by."""
    if weights == "imagenet":
        return spec.imagenet_mean, spec.imagenet_std
    scaling = next((layer for layer in donor if layer.name == SCALING), None)
    # A foreign model may call something else so.
    if scaling is None or [w.shape for w in scaling.weights] != [(1, 1, 3, 3), (3,)]:
        return (0.0,) * 3, (255.0,) * 3
    kernel, bias = scaling.get_weights()
    gain = kernel[0, 0].sum(axis=0)  # of grey pixels, whichever colour the donor takes
    return tuple(-bias / gain), tuple(1 / gain)


def build_classifier(
    architecture: str,
    contract: InputContract,
    weights: str = "none",
    *,
    any_size: bool = False,
    dropout: float = 0.5,
) -> keras.Model:
    """Build scaling, backbone, global average pooling, Dense 1024 ReLU, Dropout and softmax.

    Args:
        architecture: a key of `BACKBONES`.
        contract: size, colour and labels.
        weights: "none", "imagenet" (scaling then follows that backbone's own) or a `.keras` file (path or zoo:NAME) of
            the same architecture, whose scaling and backbone weights are taken, and its head too where its labels are
            these. With "none" the scaling is x / 255.
        any_size: leave height and width open, for training at several sizes.
        dropout: rate in front of the softmax.

    Returns:
        A flat functional model: float32[N, H, W, 3] in 0-255 RGB -> float32[N, len(contract.labels)].

    Raises:
        UsageError: the contract's size is below the backbone's minimum.
        CheckpointError: `weights` names a file that is not there or does not fit.
        DownloadError: see `imagenet_layers`.
    """
    spec = backbone(architecture)
    check_size(architecture, min(contract.height, contract.width))
    size = (None, None) if any_size else (contract.height, contract.width)
    pixels = keras.Input((*size, 3), name="pixels")
    donor = [] if weights in ("none", "imagenet") else _donor_layers(resolve_model(weights))
    scaling = _scaling_layer(contract.colour, *_mean_and_std(spec, weights, donor))
    create = getattr(keras.applications, spec.builder)
    body = create(include_top=False, weights=None, input_tensor=scaling(pixels))
    x = keras.layers.GlobalAveragePooling2D(name="pool")(body.output)
    x = keras.layers.Dense(1024, activation="relu", name="features")(x)
    x = keras.layers.Dropout(dropout, name="dropout")(x)
    x = keras.layers.Dense(len(contract.labels), activation="softmax", name="probabilities", dtype="float32")(x)
    model = keras.Model(pixels, x, name=architecture)
    if weights != "none":
        source = imagenet_layers(architecture) if weights == "imagenet" else [x for x in donor if x.name != SCALING]
        # By position: Keras numbers the names of some layers through all models of a process.
        layers = model.layers[2:] if _same_labels(weights, contract) else body.layers[2:]
        _take_weights(layers, source, f"{weights} does not fit {architecture}")
    return model


def imagenet_layers(architecture: str) -> list[keras.layers.Layer]:
    """The layers after the input, with ImageNet weights, which Keras downloads once and keeps.

    Raises:
        DownloadError: they are not kept here and cannot be had.
    """
    create = getattr(keras.applications, backbone(architecture).builder)
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras announces its downloads on stdout
            layers: list[keras.layers.Layer] = create(include_top=False, weights="imagenet").layers[1:]
    except Exception as error:
        # Keras raises a bare Exception where the address does not answer, ValueError for a file with another hash.
        if type(error) is not Exception and not isinstance(error, BROKEN_DOWNLOADS):
            raise
        raise DownloadError(
            f"the ImageNet weights of {architecture} cannot be downloaded ({error})",
            "Train from scratch with --weights none, or give a checkpoint with --weights PATH",
        ) from error
    return layers


def _same_labels(weights: str, contract: InputContract) -> bool:
    info = None if weights == "imagenet" else read_checkpoint_info(resolve_model(weights))
    return info is not None and info.contract.labels == contract.labels


def _take_weights(layers: list[keras.layers.Layer], donor: list[keras.layers.Layer], misfit: str) -> None:
    """Fill `layers` from the first ones of `donor`."""
    for layer, source in itertools.zip_longest(layers, donor[: len(layers)]):
        if type(source) is not type(layer) or [w.shape for w in source.weights] != [w.shape for w in layer.weights]:
            raise CheckpointError(f"{misfit} at layer {layer.name}", "Use a matching one")
        layer.set_weights(source.get_weights())


def _donor_layers(path: Path) -> list[keras.layers.Layer]:
    try:
        donor = keras.models.load_model(path, compile=False, safe_mode=True)
    except LOADING_ERRORS as error:
        raise CheckpointError(f"cannot read weights from {path}: {error}", "Use a .keras file") from error
    return [layer for layer in donor.layers if not isinstance(layer, keras.layers.InputLayer)]
