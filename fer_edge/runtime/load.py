"""Open a checkpoint or a converted model, and prove that it does here what it did when it was made."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np

from fer_edge.artifact import artifact_files, payload_sha256, read_manifest
from fer_edge.checkpoint import read_checkpoint_info
from fer_edge.errors import ArtifactError, CheckpointError, UsageError
from fer_edge.manifest import Manifest, Precision
from fer_edge.models import model_name, resolve_model
from fer_edge.registry import lookup
from fer_edge.runtime.backends import BACKENDS, open_backend
from fer_edge.runtime.backends.base import CheckedBackend

FLOAT_TOLERANCE = 0.02
TOLERANCE = 0.05


def load(path: str | Path, *, threads: int | None = None, runtime: str | None = None) -> CheckedBackend:
    """Open a model.

    A converted model must have the bytes that its manifest names, and must give its golden sample the label that it
    gave when it was made; other probabilities are a warning.

    Args:
        path: a `.keras` checkpoint, a `.tflite`, `.onnx` or OpenVINO `.xml` file that fer-edge converted, or
            "zoo:NAME" for one that comes with it.
        threads: processor threads; None takes all usable cores.
        runtime: for TFLite "litert" or "tflite-runtime", for ONNX the execution providers separated by commas, for
            OpenVINO the device. None takes LiteRT if it is there, CPUExecutionProvider, CPU.

    Returns:
        The opened model, a context manager.

    Raises:
        ArtifactError: missing, truncated, altered or foreign file; one that this machine computes differently.
        CheckpointError: the same for a checkpoint.
        EnvironmentFailure: the runtime, provider or device is not there.
    """
    path = resolve_model(str(path))
    if path.suffix == ".keras":
        return _load_checkpoint(path, threads, runtime)
    manifest = read_manifest(path)
    artifact_files(path)
    if payload_sha256(path, manifest.format) != manifest.payload_sha256:
        raise ArtifactError(
            f"{path} was altered or cut short: its model is not the one that its manifest describes",
            "Copy the file again from where it was made",
        )
    backend = open_backend(
        manifest.format,
        path,
        manifest.contract,
        manifest.precision,
        threads=threads,
        runtime=runtime,
        settings=manifest.runtime_settings,
    )
    try:
        _replay(path, backend, manifest)
    except BaseException:
        backend.close()
        raise
    return backend


def _load_checkpoint(path: Path, threads: int | None, runtime: str | None) -> CheckedBackend:
    if runtime is not None:
        raise UsageError(f"{path} runs in Keras only, not in {runtime!r}", "Leave out --runtime, or convert the model")
    info = read_checkpoint_info(path)
    if info is None:
        raise CheckpointError(
            f"{path} says nothing about its input and labels, for fer-edge did not make it",
            "Convert it: fer-edge convert MODEL --labels ... also writes a checkpoint that does",
        )
    backend: CheckedBackend = lookup(BACKENDS, "keras", "backend")(path, info.contract, threads=threads)
    return backend


def _replay(path: Path, backend: CheckedBackend, manifest: Manifest) -> None:
    """Classify the golden sample and compare with what the manifest says."""
    labels = manifest.contract.labels
    expected = np.array(manifest.golden.probabilities, np.float32)
    if len(expected) != len(labels):
        raise ArtifactError(
            f"the golden sample of {path} has {len(expected)} probabilities for {len(labels)} labels",
            "Convert it again",
        )
    got = backend.predict(manifest.golden.face(manifest.contract)[None])[0]
    where = f"{backend.runtime}, executed as {backend.executed_precision}"
    if not np.isfinite(got).all() or got.argmax() != expected.argmax():
        raise ArtifactError(
            f"{model_name(path)} takes its own golden sample for {labels[int(np.nan_to_num(got).argmax())]!r} here, "
            f"not for {labels[int(expected.argmax())]!r} ({where})",
            "Try another --runtime or format; do not use this file here",
        )
    difference = float(np.abs(got - expected).max())
    if difference > (FLOAT_TOLERANCE if manifest.precision is Precision.FP32 else TOLERANCE):
        warnings.warn(
            f"{model_name(path)} gives its golden sample probabilities that differ by {difference:.3f} from those "
            f"recorded ({where}); "
            "measure it here: fer-edge verify MODEL --baseline BASELINE --data DATA",
            UserWarning,
            stacklevel=3,
        )
