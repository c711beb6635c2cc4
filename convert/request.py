"""What to convert, and what came of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fer_edge.contract import InputContract
from fer_edge.data.folder import LabelledImages
from fer_edge.errors import UsageError
from fer_edge.manifest import Format, Parity, Precision

MATRIX = {
    Format.TFLITE: (Precision.FP32, Precision.FP16, Precision.DYNAMIC, Precision.INT8),
    Format.ONNX: (Precision.FP32, Precision.FP16, Precision.INT8),
    Format.OPENVINO: (Precision.FP32, Precision.FP16, Precision.INT8),
}
SUFFIXES = {Format.TFLITE: ".tflite", Format.ONNX: ".onnx", Format.OPENVINO: ".xml"}


@dataclass(frozen=True)
class Target:
    """One file to make."""

    format: Format
    precision: Precision

    def __str__(self) -> str:
        return f"{self.format.value} {self.precision.value}"

    def file_name(self, stem: str) -> str:
        """Name of the artifact of a checkpoint called `stem`."""
        return f"{stem}-{self.precision.value}{SUFFIXES[self.format]}"


def select_targets(
    formats: Sequence[Format] | None, precisions: Sequence[Precision] | None
) -> tuple[list[Target], list[str]]:
    """Choose from the matrix of formats and precisions.

    Args:
        formats: None for all.
        precisions: None for all.

    Returns:
        The targets, and a sentence for each named pair that does not exist.

    Raises:
        UsageError: a named format or precision yields nothing.
    """
    wanted_formats, wanted_precisions = formats or list(Format), precisions or list(Precision)
    targets = [Target(f, p) for f in wanted_formats for p in wanted_precisions if p in MATRIX[f]]
    named = list(precisions or [])
    skipped = [
        f"{f.value} has no {p.value} precision: skipped" for f in wanted_formats for p in named if p not in MATRIX[f]
    ]
    barren: list[str] = [p.value for p in named if not any(t.precision is p for t in targets)]
    barren += [f.value for f in formats or [] if not any(t.format is f for t in targets)]
    if barren:
        possible = "; ".join(f"{f.value}: {', '.join(p.value for p in ps)}" for f, ps in MATRIX.items())
        raise UsageError(f"{', '.join(barren)} yields no artifact in this request", f"Possible pairs: {possible}")
    return targets, skipped


@dataclass(frozen=True)
class ForeignContract:
    """How to feed a Keras classifier that fer-edge did not train.

    Attributes:
        contract: what goes in and comes out.
        scale: factor on 0-255 pixels; then mean is subtracted and std divided by, per channel.
        mean: per channel.
        std: per channel.
    """

    contract: InputContract
    scale: float = 1.0
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)


@dataclass(frozen=True)
class ConvertRequest:
    """One call of `fer-edge convert`.

    Attributes:
        model: the `.keras` file.
        contract: the model's contract, from the file or from the user.
        foreign: set where the contract came from the user.
        targets: what to make.
        calibration: images to sample from; needed for int8 and for parity.
        calibration_count: exact number of calibration images.
        evaluation: images that must not overlap the calibration; parity is then measured on them.
        plan: name of a plan in `convert/plans`.
        out: folder for the artifacts.
        resume: keep artifacts that are already there and fit.
        overwrite: replace artifacts that are already there.
        threads: for the parity runs.
        seed: of the calibration sample.
    """

    model: Path
    contract: InputContract
    foreign: ForeignContract | None
    targets: Sequence[Target]
    calibration: LabelledImages
    calibration_count: int
    evaluation: LabelledImages | None
    plan: str
    out: Path
    resume: bool = False
    overwrite: bool = False
    threads: int | None = None
    seed: int = 0


@dataclass(frozen=True)
class TargetResult:
    """What came of one target.

    Attributes:
        path: the artifact; None where it failed.
        size_bytes: of all its files.
        parity: against the full-precision model.
        steps: what was done to the graph.
        status: "made", "kept" (with --resume) or "failed".
        reason: why it failed.
        seconds: what it took.
    """

    target: Target
    status: str
    path: Path | None = None
    size_bytes: int = 0
    parity: Parity | None = None
    steps: tuple[str, ...] = ()
    reason: str = ""
    seconds: float = 0.0
