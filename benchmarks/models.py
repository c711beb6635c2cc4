"""Open what is to be compared, and keep what the runtimes say while doing so."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path

from fer_edge.artifact import read_manifest, size_bytes
from fer_edge.checkpoint import file_sha256, read_checkpoint_info
from fer_edge.errors import UsageError
from fer_edge.manifest import Manifest, Precision
from fer_edge.models import model_name
from fer_edge.runtime.backends.base import Backend
from fer_edge.runtime.load import load


@dataclass(frozen=True)
class OpenedModel:
    """A checkpoint, or through `Artifact` a converted model, ready to predict.

    Attributes:
        path: its file.
        backend: close it after use.
        source_sha256: of the checkpoint that it is, or comes from.
        size_bytes: all its files.
        warnings: what loading warned of.
        selected_on: exact fingerprints of the images that chose its checkpoint (early stopping).
    """

    path: Path
    backend: Backend
    source_sha256: str
    size_bytes: int
    warnings: tuple[str, ...]
    selected_on: tuple[str, ...]

    @property
    def name(self) -> str:
        """`zoo:NAME`, or its path."""
        return model_name(self.path)

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of the outputs."""
        return self.backend.contract.labels


@dataclass(frozen=True)
class Artifact(OpenedModel):
    """A converted model, ready to predict.

    Attributes:
        manifest: what it says about itself.
    """

    manifest: Manifest

    def is_fp32_of(self, other: Artifact) -> bool:
        """Whether this is the full-precision file of the same format, runtime and checkpoint."""
        return (
            self.manifest.precision is Precision.FP32
            and self.manifest.format is other.manifest.format
            and self.source_sha256 == other.source_sha256
            and self.backend.runtime.split()[0] == other.backend.runtime.split()[0]
        )


def open_artifact(path: Path, threads: int | None, runtime: str | None) -> Artifact:
    """Open a converted model; errors are those of `fer_edge.runtime.load.load`.

    Args:
        path: `.tflite`, `.onnx` or `.xml`.
        threads: None takes all cores.
        runtime: what executes it; None takes the format's usual one.
    """
    manifest = read_manifest(path)
    backend, said = _load(path, threads, runtime)
    source = manifest.source
    return Artifact(path, backend, source.sha256, size_bytes(path), said, source.selected_on, manifest)


def open_model(path: Path, threads: int | None = None, runtime: str | None = None) -> OpenedModel:
    """Open a checkpoint or an artifact of any precision; errors are those of `fer_edge.runtime.load.load`.

    Args:
        path: of a checkpoint or an artifact.
        threads: None takes all cores.
        runtime: what executes an artifact; a checkpoint runs in Keras.
    """
    if path.suffix != ".keras":
        return open_artifact(path, threads, runtime)
    backend, said = _load(path, threads, None)
    info = read_checkpoint_info(path)
    sha256 = (info and info.wraps_sha256) or file_sha256(path)
    chosen = info.training.tuning if info and info.training else ()
    return OpenedModel(path, backend, sha256, path.stat().st_size, said, chosen)


def open_full_precision(path: Path, threads: int | None, runtime: str | None) -> OpenedModel:
    """Open a checkpoint or an fp32 artifact.

    Raises:
        UsageError: an artifact of another precision.
    """
    if path.suffix != ".keras" and (precision := read_manifest(path).precision) is not Precision.FP32:
        raise UsageError(
            f"the baseline {path} is {precision.value}, and a comparison needs full precision",
            "Give the .keras checkpoint, an fp32 artifact or predictions saved by: fer-edge verify --save-baseline",
        )
    return open_model(path, threads, runtime)


def _load(path: Path, threads: int | None, runtime: str | None) -> tuple[Backend, tuple[str, ...]]:
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", UserWarning)
        backend = load(path, threads=threads, runtime=runtime)
    return backend, tuple(dict.fromkeys(str(w.message) for w in caught if w.category is UserWarning))
