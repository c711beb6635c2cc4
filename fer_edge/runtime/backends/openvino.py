"""OpenVINO IR files (.xml and .bin) in OpenVINO."""

from __future__ import annotations

import platform
from collections import Counter
from collections.abc import Mapping
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
from fer_edge.system_info import has_int8_dot_product

# The executed graph names each layer's implementation, such as brgconv_avx512_f32. (Its "runtimePrecision" says f16 for
# float16 weights that are computed with in float32.)
PRECISIONS = {"f32": "fp32", "f16": "fp16", "bf16": "bf16", "i8": "int8", "u8": "int8"}
ARITHMETIC = {"Convolution", "FullyConnected", "MatMul"}
# OpenVINO 2026.4 computes int8 convolutions wrongly there (docs/arm64.md) and on x86-64 without VNNI, seen on AVX2: its
# probabilities were off by up to 0.98. In fp32 int8 files give what they should.
ARM = ("aarch64", "arm64")


class OpenvinoBackend(CheckedBackend):
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
        openvino, device = require("openvino", extra="openvino"), runtime or "CPU"
        compiled = _compile(openvino, path, device, settings.get("inference_precision", "f32"), thread_count(threads))
        version = openvino.get_version().split("-")[0]
        super().__init__(contract, f"openvino {version} ({device})", _executed(compiled))
        check_signature(path, contract, _shape(compiled.input(0)), _shape(compiled.output(0)))
        self._pixels = np.empty((1, *self._shape), np.float32)
        self._request: Any = compiled.create_infer_request()
        self._request.set_input_tensor(openvino.Tensor(self._pixels, shared_memory=True))

    def _infer(self, face: Image) -> npt.NDArray[np.float32]:
        self._pixels[:] = face
        self._request.infer()
        probabilities: npt.NDArray[np.float32] = self._request.get_output_tensor(0).data[0]
        return probabilities

    def close(self) -> None:
        """Release the compiled model."""
        self._request = None


def _compile(openvino: Any, path: Path, device: str, hint: str, threads: int) -> Any:  # noqa: ANN401 - untyped package
    core = openvino.Core()
    if device not in core.available_devices:
        raise EnvironmentFailure(
            f"OpenVINO has no device {device!r} here",
            f"Choose among {', '.join(core.available_devices)}, or install its driver",
        )
    properties: dict[str, Any] = {"PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": hint}
    if device == "CPU":
        properties["INFERENCE_NUM_THREADS"] = threads
        if platform.machine() in ARM or not has_int8_dot_product():
            properties["LP_TRANSFORMS_MODE"] = "NO"
    try:
        return core.compile_model(core.read_model(path), device, properties)
    except RuntimeError as error:
        raise ArtifactError(f"OpenVINO cannot open {path}: {first_line(error)}", AGAIN) from error


def _shape(port: Any) -> list[Any]:  # noqa: ANN401 - untyped package
    return [size.get_length() if size.is_static else "?" for size in port.partial_shape]


def _executed(compiled: Any) -> str:  # noqa: ANN401 - untyped package
    """What most convolutions and Dense layers of the compiled graph run in, as the runtime tells it."""
    layers = [operation.get_rt_info() for operation in compiled.get_runtime_model().get_ops()]
    kinds = [str(layer["primitiveType"].value) for layer in layers if layer["layerType"].value in ARITHMETIC]
    endings = [kind.rpartition("_")[2].lower() for kind in kinds]
    found = Counter(PRECISIONS.get(ending, ending) for ending in endings)
    return found.most_common(1)[0][0] if found else "unknown"
