"""What an artifact says about itself: types only; `fer_edge.artifact` reads and writes them inside the files."""

from __future__ import annotations

import base64
import zlib
from enum import Enum
from typing import Annotated, Literal

import numpy as np
import numpy.typing as npt
from pydantic import BaseModel, ConfigDict, Field

from fer_edge.contract import InputContract
from fer_edge.errors import ArtifactError
from fer_edge.preprocess import Image

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Fraction = Annotated[float, Field(ge=0, le=1)]


class Format(str, Enum):
    """The file formats fer-edge converts to."""

    TFLITE = "tflite"
    ONNX = "onnx"
    OPENVINO = "openvino"


class Precision(str, Enum):
    """How an artifact stores its numbers. What a runtime executes may differ: see `Backend.executed_precision`."""

    FP32 = "fp32"
    FP16 = "fp16"
    DYNAMIC = "dynamic"
    INT8 = "int8"


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class GoldenSample(_Record):
    """A synthetic face and the probabilities that the artifact gave for it when it was made.

    Attributes:
        pixels: the face, uint8[H, W, 3] at the contract's size, zlib-compressed, base64.
        probabilities: the artifact's own output, float[len(labels)].
        margin: the top probability minus the second, 0-1; the face was chosen among many for the largest margin.
    """

    pixels: str
    probabilities: tuple[Fraction, ...]
    margin: Fraction

    @classmethod
    def of(cls, face: Image, probabilities: npt.NDArray[np.float32]) -> GoldenSample:
        """Record `face` (uint8[H, W, 3]) with its `probabilities` (float32[K])."""
        second, first = np.sort(probabilities)[-2:]
        return cls(
            pixels=base64.b64encode(zlib.compress(face.tobytes(), 9)).decode(),
            probabilities=tuple(float(np.clip(p, 0, 1)) for p in probabilities),
            margin=float(np.clip(first - second, 0, 1)),
        )

    def face(self, contract: InputContract) -> Image:
        """The face as uint8[H, W, 3].

        Raises:
            ArtifactError: the stored pixels do not fill the contract's size exactly.
        """
        shape = (contract.height, contract.width, 3)
        try:
            pixels = zlib.decompressobj().decompress(base64.b64decode(self.pixels), int(np.prod(shape)) + 1)
            return np.frombuffer(pixels, np.uint8).reshape(shape)
        except (ValueError, zlib.error) as error:
            raise ArtifactError(f"the golden sample is damaged: {error}", "Convert the model again") from error


class Fingerprint(_Record):
    """What remains of an image when the image may not be kept.

    Attributes:
        exact: first 16 hexadecimal digits of the SHA-256 of the decoded pixels.
        perceptual: 256-bit perceptual hash, 64 hexadecimal digits; near-duplicates differ in few bits.
    """

    exact: Annotated[str, Field(pattern=r"^[0-9a-f]{16}$")]
    perceptual: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class Calibration(_Record):
    """The images sampled for quantization; `Manifest.steps` says which of them set no ranges.

    Attributes:
        sha256: over the fingerprints in their order.
        count: number of images.
        images: one fingerprint each.
    """

    sha256: Sha256
    count: Annotated[int, Field(ge=1)]
    images: tuple[Fingerprint, ...]


class Parity(_Record):
    """How an artifact's outputs differ from the full-precision model's on the same images.

    Attributes:
        count: number of images compared.
        agreement: fraction with the same top-1 label.
        max_probability_difference: largest |difference| over images and classes.
        mean_probability_difference: mean |difference| over images and classes.
        sqnr_db: signal to quantization-noise ratio of the probabilities, decibel; None where the outputs are equal.
    """

    count: Annotated[int, Field(ge=1)]
    agreement: Fraction
    max_probability_difference: Fraction
    mean_probability_difference: Fraction
    sqnr_db: float | None


class Source(_Record):
    """Where an artifact comes from.

    Attributes:
        name: the checkpoint's file name.
        sha256: of the checkpoint file.
        architecture: the backbone's name, or "unknown" for a foreign model.
        selected_on: exact fingerprints of the images on which the checkpoint was chosen (early stopping); a verdict on
            them proves nothing.
    """

    name: str
    sha256: Sha256
    architecture: str
    selected_on: tuple[str, ...] = ()


class Manifest(_Record):
    """Everything an artifact carries about itself.

    Attributes:
        payload_sha256: of the model without this manifest (see `fer_edge.artifact`).
        plan: name of the conversion plan ("resilient", "plain").
        plan_sha256: of the plan's definition for this format and precision; None in files of early versions.
        steps: what the plan did to the graph before and during quantization, in order, one sentence each.
        runtime_settings: settings that a runtime must use to reproduce the parity figures, such as ONNX Runtime's
            graph optimisation level.
        calibration: None unless the precision is int8.
        tools: name -> version of the packages that made it.
    """

    schema_version: Literal[1] = 1
    format: Format
    precision: Precision
    contract: InputContract
    golden: GoldenSample
    payload_sha256: Sha256
    source: Source
    plan: str
    plan_sha256: Sha256 | None = None
    steps: tuple[str, ...] = ()
    runtime_settings: dict[str, str] = Field(default_factory=dict)
    calibration: Calibration | None = None
    parity: Parity
    tools: dict[str, str]


class TrainingRecord(_Record):
    """How a checkpoint was trained.

    Attributes:
        recipe: the recipe's name.
        overrides: option -> value that replaced the recipe's on the command line.
        data_sha256: over the fingerprints of the training images in their order.
        counts: images used to fit and to tune (early stopping and every later choice).
        tuning: exact fingerprints of the tuning images.
        metrics: figures on the tuning images, such as "accuracy".
        votes_sha256: of the file whose votes were the targets; empty where the labels were.
    """

    recipe: str
    overrides: dict[str, str] = Field(default_factory=dict)
    seed: int
    epochs: int
    data_sha256: Sha256
    counts: dict[str, int]
    tuning: tuple[str, ...]
    metrics: dict[str, float]
    votes_sha256: str = ""


class CheckpointInfo(_Record):
    """What a checkpoint says about itself; stored as `fer_edge.json` inside the `.keras` file.

    Attributes:
        architecture: a name of the backbones table, or "unknown".
        training: None for a foreign model.
        wraps_sha256: for a foreign model, identifies its file, contract and scaling; what was converted from it has
            the same as its source.
    """

    schema_version: Literal[1] = 1
    architecture: str
    contract: InputContract
    training: TrainingRecord | None = None
    wraps_sha256: str = ""
    tools: dict[str, str] = Field(default_factory=dict)
