"""Open the full-precision model, ours or a foreign one, as one graph from 0-255 RGB to probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from convert.request import ForeignContract
from fer_edge.contract import InputContract
from fer_edge.errors import BadInputError, CheckpointError, problems
from fer_edge.preprocess import Image
from fer_edge.runtime.backends.base import Probabilities
from fer_edge.runtime.backends.keras import load_checkpoint
from fer_edge.scaling import scaling_weights
from fer_edge.toml_file import read_toml

COLLAPSED = 1e-6  # no probability changes by more


def _not_zero(value: float) -> float:
    if value == 0:
        raise ValueError("must not be 0")
    return value


Finite = Annotated[float, Field(allow_inf_nan=False)]
NonZero = Annotated[Finite, AfterValidator(_not_zero)]


class ForeignOptions(BaseModel):
    """The contract of a foreign classifier as a TOML file or as options give it; see docs/convert.md."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    labels: tuple[str, ...] | None = None
    colour: str = "rgb"
    resize: str = "area"
    crop_margin: float = 0.1
    scale: NonZero = 1 / 255
    mean: tuple[Finite, Finite, Finite] = (0.0, 0.0, 0.0)
    std: tuple[NonZero, NonZero, NonZero] = (1.0, 1.0, 1.0)


def read_contract_file(path: Path) -> ForeignOptions:
    """Read the contract of a foreign model.

    Raises:
        BadInputError: missing or invalid.
    """
    return read_toml(path, ForeignOptions, "contract", "See 'Foreign models' in docs/convert.md")


def merge_options(base: ForeignOptions, given: Mapping[str, object]) -> ForeignOptions:
    """Let options of the command line replace what the file says.

    Raises:
        BadInputError: a value that no model can be fed with, such as a scale of 0.
    """
    try:
        return ForeignOptions.model_validate({**base.model_dump(), **given})
    except ValidationError as error:
        message = f"the contract given is not valid: {problems(error, ForeignOptions)}"
        raise BadInputError(message, "See 'Foreign models' in docs/convert.md") from error


def foreign_contract(path: Path, options: ForeignOptions) -> ForeignContract:
    """Complete a foreign model's contract with the size that the model itself has.

    Raises:
        CheckpointError: the model has no fixed size, or its outputs do not match the labels.
    """
    model = load_checkpoint(path)
    shape, outputs = model.input_shape, model.output_shape[-1]
    if isinstance(shape, list) or len(shape) != 4 or None in shape[1:3] or shape[3] not in (1, 3):
        raise CheckpointError(f"{path} takes {shape}, not one image [N, H, W, 1 or 3] of a fixed size", "Fix its input")
    if not options.labels or len(options.labels) != outputs:
        given = ", ".join(options.labels or ()) or "none"
        raise CheckpointError(
            f"{path} carries no contract; it has {outputs} outputs and the labels given are: {given}",
            f"Name the {outputs} classes in the order of the outputs: --labels a,b,...  or --contract FILE.toml",
        )
    colour = "grey" if shape[3] == 1 else options.colour
    try:
        contract = InputContract(
            height=shape[1],
            width=shape[2],
            colour=colour,  # type: ignore[arg-type]  # pydantic checks it
            resize=options.resize,  # type: ignore[arg-type]
            crop_margin=options.crop_margin,
            labels=options.labels,
        )
    except ValidationError as error:
        message = f"the contract given for {path} is not valid: {problems(error, InputContract)}"
        raise BadInputError(message, "See docs/convert.md") from error
    return ForeignContract(contract, options.scale, options.mean, options.std)


def open_float_model(path: Path, foreign: ForeignContract | None) -> keras.Model:
    """The model in float32, from 0-255 RGB to probabilities; a foreign one gets its scaling in front."""
    model = load_checkpoint(path)
    if foreign is None:
        return model
    for layer in model._flatten_layers(include_self=False):
        layer.dtype_policy = "float32"  # of a model that was trained in mixed precision
    channels = model.input_shape[-1]
    contract = foreign.contract
    pixels = keras.Input((contract.height, contract.width, 3), name="pixels")
    scaling = keras.layers.Conv2D(channels, 1, name="fer_edge_scaling", trainable=False)
    scaled = scaling(pixels)
    scaling.set_weights(scaling_weights(contract.colour, foreign.scale, foreign.mean, foreign.std, channels))
    return keras.Model(pixels, model(scaled), name=path.stem)


def predict(model: keras.Model, faces: Image, batch: int = 64) -> Probabilities:
    """Probabilities float32[N, K] of faces uint8[N, H, W, 3]."""
    parts = [
        np.asarray(model.predict_on_batch(faces[i : i + batch].astype(np.float32))) for i in range(0, len(faces), batch)
    ]
    return np.concatenate(parts).astype(np.float32)


def check_probabilities(path: Path, outputs: Probabilities) -> None:
    """Refuse a model whose outputs are not probabilities, or the same for every image.

    Raises:
        CheckpointError: rows that are negative, not finite, do not sum to 1 or do not differ.
    """
    if not np.isfinite(outputs).all() or outputs.min() < 0 or np.abs(outputs.sum(1) - 1).max() > 1e-3:
        raise CheckpointError(
            f"the outputs of {path} are not probabilities "
            f"(row sums {outputs.sum(1).min():.3f} to {outputs.sum(1).max():.3f})",
            "End the model with a softmax",
        )
    if len(outputs) > 1 and np.ptp(outputs, axis=0).max() < COLLAPSED:
        raise CheckpointError(
            f"{path} gives the same probabilities for all {len(outputs)} images",
            "Check how the model is fed (--scale, --mean, --std, --colour), or train it again",
        )
