"""ONNX files in ONNX Runtime."""

from __future__ import annotations

import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_edge.contract import InputContract
from fer_edge.errors import ArtifactError, EnvironmentFailure
from fer_edge.manifest import Precision
from fer_edge.optional import require
from fer_edge.preprocess import Image
from fer_edge.runtime.backends.base import CheckedBackend
from fer_edge.runtime.backends.signature import AGAIN, check_signature, first_line, thread_count
from fer_edge.system_info import system_info

CPU = "CPUExecutionProvider"
LEVELS = {
    "disable": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
FUSES_INT8 = ("extended", "all")  # below these levels QDQ files are computed in float


class OnnxBackend(CheckedBackend):
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
        ort = require("onnxruntime", extra="onnx")
        providers = [name.strip() for name in (runtime or CPU).split(",")]
        level = settings.get("graph_optimization_level", "all")
        super().__init__(
            contract,
            f"onnxruntime {ort.__version__} ({','.join(p.removesuffix('ExecutionProvider') for p in providers)})",
            _executed(precision, providers, level),
        )
        self._session: Any = _session(ort, path, providers, level, thread_count(threads))
        source, sink = self._session.get_inputs()[0], self._session.get_outputs()[0]
        check_signature(path, contract, source.shape, sink.shape)
        if (source.type, sink.type) != ("tensor(float)", "tensor(float)"):
            raise ArtifactError(f"{path} maps {source.type} to {sink.type}, not float to float", AGAIN)
        self._pixels = np.empty((1, *self._shape), np.float32)
        self._feed, self._wanted = {source.name: self._pixels}, [sink.name]

    def _infer(self, face: Image) -> npt.NDArray[np.float32]:
        self._pixels[:] = face
        probabilities: npt.NDArray[np.float32] = self._session.run(self._wanted, self._feed)[0][0]
        return probabilities

    def close(self) -> None:
        """Release the session."""
        self._session = None


def _session(ort: Any, path: Path, providers: list[str], level: str, threads: int) -> Any:  # noqa: ANN401 - untyped package
    _check_providers(providers, ort.get_available_providers())
    if level not in LEVELS:
        raise ArtifactError(f"{path} asks for the unknown graph optimisation level {level!r}", "Update fer-edge")
    options = ort.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, LEVELS[level])
    options.log_severity_level = 3
    # Without VNNI, x86-64 adds up pairs of int8 products in 16 bits, which overflow: it cost DenseNet121 three points.
    # There ONNX Runtime then takes a slower, exact way; elsewhere this changes nothing.
    options.add_session_config_entry("session.x64quantprecision", "1")
    alone = CPU not in providers
    options.add_session_config_entry("session.disable_cpu_ep_fallback", str(int(alone)))
    try:
        session = ort.InferenceSession(str(path), options, providers=providers)
    except Exception as error:  # its exceptions have no common base
        if alone:
            raise EnvironmentFailure(
                f"{', '.join(providers)} cannot run the whole of {path}: {first_line(error)}",
                f"Let the processor run the rest: --runtime {','.join(providers)},{CPU}",
            ) from error
        raise ArtifactError(f"onnxruntime {ort.__version__} cannot open {path}: {first_line(error)}", AGAIN) from error
    session.disable_fallback()
    _check_providers(providers, session.get_providers())
    return session


def _check_providers(wanted: Sequence[str], present: Sequence[str]) -> None:
    """Refuse to run on less than what was asked for; ONNX Runtime would only log it."""
    if missing := [name for name in wanted if name not in present]:
        raise EnvironmentFailure(
            f"ONNX Runtime has no {', '.join(missing)} here",
            f"Choose among {', '.join(present)}, or install the package that brings it (onnxruntime-gpu, ...)",
        )


def _executed(precision: Precision, providers: list[str], level: str) -> str:
    """What the arithmetic runs in; "unknown" on accelerators, which decide by themselves."""
    if providers != [CPU]:
        return "unknown"
    if precision is Precision.INT8:
        return "int8" if level in FUSES_INT8 else "fp32"
    native_fp16 = platform.machine() == "aarch64" and "fp16" in system_info().features
    return "fp16" if precision is Precision.FP16 and native_fp16 else "fp32"
