"""One file and one table line per runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fer_edge.registry import lookup

if TYPE_CHECKING:
    from fer_edge.contract import InputContract
    from fer_edge.manifest import Format, Precision
    from fer_edge.runtime.backends.base import CheckedBackend

BACKENDS = {
    "tflite": "fer_edge.runtime.backends.tflite:TfliteBackend",
    "onnx": "fer_edge.runtime.backends.onnx:OnnxBackend",
    "openvino": "fer_edge.runtime.backends.openvino:OpenvinoBackend",
    "keras": "fer_edge.runtime.backends.keras:KerasBackend",
    "fake": "fer_edge.runtime.backends.fake:FakeBackend",
}


def open_backend(
    fmt: Format,
    path: Path,
    contract: InputContract,
    precision: Precision,
    *,
    threads: int | None = None,
    runtime: str | None = None,
    settings: Mapping[str, str] = {},
) -> CheckedBackend:
    """Open a converted model without looking at its manifest (`fer_edge.load` does).

    Args:
        fmt: chooses the runtime.
        path: the model; the .xml for OpenVINO.
        contract: what it was made for.
        precision: what its numbers are stored as.
        threads: processor threads; None takes all usable cores.
        runtime: for TFLite "litert" or "tflite-runtime", for ONNX the execution providers separated by commas, for
            OpenVINO the device. None takes LiteRT if it is there, CPUExecutionProvider, CPU.
        settings: the manifest's `runtime_settings`.

    Raises:
        ArtifactError: the runtime cannot open the file, or it does not fit the contract.
        EnvironmentFailure: the runtime, provider or device is not there.
    """
    backend: CheckedBackend = lookup(BACKENDS, fmt.value, "format")(
        path, contract, precision, threads=threads, runtime=runtime, settings=settings
    )
    return backend
