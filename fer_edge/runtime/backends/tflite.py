"""TFLite files in LiteRT, else in tflite-runtime; both run XNNPACK."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_edge.contract import InputContract
from fer_edge.errors import ArtifactError, EnvironmentFailure, MissingDependencyError, UsageError
from fer_edge.manifest import Precision
from fer_edge.optional import require
from fer_edge.preprocess import Image
from fer_edge.quiet import quiet
from fer_edge.runtime.backends.base import CheckedBackend
from fer_edge.runtime.backends.signature import AGAIN, check_signature, first_line, thread_count

RUNTIMES = {"litert": "ai-edge-litert", "tflite-runtime": "tflite-runtime"}
OWN = (
    "tflite-runtime needs an environment of its own with numpy 1: "
    "pip install -c constraints-tflite-runtime.txt 'fer-edge[tflite-runtime]'"
)
# XNNPACK computes float16 files in float32 unless it is told otherwise.
EXECUTED = {
    Precision.FP32: "fp32",
    Precision.FP16: "fp32",
    Precision.DYNAMIC: "int8 weights",
    Precision.INT8: "int8",
}


class TfliteBackend(CheckedBackend):
    """Runs one face at a time; see `open_backend` for the arguments."""

    def __init__(
        self,
        path: Path,
        contract: InputContract,
        precision: Precision,
        *,
        threads: int | None = None,
        runtime: str | None = None,
        settings: Mapping[str, str] = {},
    ) -> None:
        interpreter, name = open_interpreter(path, threads, runtime)
        super().__init__(contract, name, EXECUTED[precision])
        source, sink = interpreter.get_input_details()[0], interpreter.get_output_details()[0]
        check_signature(path, contract, source["shape"].tolist(), sink["shape"].tolist())
        if source["dtype"] is np.uint8 and source["quantization"] != (1.0, 0):
            scale, zero = source["quantization"]
            raise ArtifactError(f"{path} takes pixels of scale {scale} and zero point {zero}, not 1 and 0", AGAIN)
        if source["dtype"] not in (np.uint8, np.float32) or sink["dtype"] is not np.float32:
            taken, given = np.dtype(source["dtype"]), np.dtype(sink["dtype"])
            raise ArtifactError(f"{path} maps {taken} to {given}, not uint8 or float32 to float32", AGAIN)
        self._takes_bytes = source["dtype"] is np.uint8
        self._interpreter: Any = interpreter
        self._source, self._sink = source["index"], sink["index"]

    def _infer(self, face: Image) -> npt.NDArray[np.float32]:
        interpreter = self._interpreter
        interpreter.set_tensor(self._source, face if self._takes_bytes else face.astype(np.float32))
        interpreter.invoke()
        probabilities: npt.NDArray[np.float32] = interpreter.get_tensor(self._sink)[0]
        return probabilities

    def close(self) -> None:
        """Release the interpreter."""
        self._interpreter = None


def open_interpreter(path: Path, threads: int | None = None, runtime: str | None = None) -> tuple[Any, str]:
    """Open any TFLite file; returns the allocated interpreter, and what executes it, with its version.

    Raises:
        ArtifactError: the runtime cannot open the file.
        EnvironmentFailure: the runtime is not there.
    """
    name, module = _runtime(runtime)
    return _interpreter(module, path, name, thread_count(threads)), f"{name} {version(name)}"


def _runtime(wanted: str | None) -> tuple[str, Any]:
    """Distribution and interpreter module of the runtime that is wanted, or of the first that imports."""
    if wanted is not None and wanted not in RUNTIMES:
        raise UsageError(f"unknown runtime {wanted!r} for a TFLite model", f"Choose one of: {', '.join(RUNTIMES)}")
    if wanted == "tflite-runtime":
        return wanted, require("tflite_runtime.interpreter", extra="tflite-runtime")
    try:
        return RUNTIMES["litert"], require("ai_edge_litert.interpreter", extra="litert")
    except MissingDependencyError as error:
        reason = str(error.__cause__)
        if wanted == "litert":
            raise EnvironmentFailure(
                f"ai-edge-litert does not import here ({reason})", "Install it: pip install ai-edge-litert"
            ) from error
    try:
        return RUNTIMES["tflite-runtime"], require("tflite_runtime.interpreter", extra="tflite-runtime")
    except MissingDependencyError as error:
        raise EnvironmentFailure(
            f"no TFLite runtime imports here (ai-edge-litert: {reason}; tflite-runtime: {error.__cause__})",
            "Install one: pip install ai-edge-litert, or where it has no wheel: pip install 'fer-edge[tflite-runtime]'",
        ) from error


def _interpreter(module: Any, path: Path, name: str, threads: int) -> Any:  # noqa: ANN401 - untyped packages
    try:
        with quiet():  # C++ greets with a line about the delegate
            interpreter = module.Interpreter(model_path=str(path), num_threads=threads)
            interpreter.allocate_tensors()
    except SystemError as error:  # compiled for another numpy
        raise EnvironmentFailure(
            f"{name} {version(name)} does not run here: {error.__cause__ or error}", OWN
        ) from error
    except (RuntimeError, ValueError) as error:
        remedy = "Convert the model again with fer-edge convert, whose files (dynamic-range ones keep Dense layers per "
        remedy += "tensor) open in tflite-runtime 2.14, or run it elsewhere: pip install ai-edge-litert"
        raise ArtifactError(
            f"{name} {version(name)} cannot open {path}: {first_line(error)}", AGAIN if "litert" in name else remedy
        ) from error
    return interpreter
