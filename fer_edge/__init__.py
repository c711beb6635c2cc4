"""Facial-expression classifiers from GPU training to a quantized model on an edge camera.

The public Python API, loaded when it is used:

    import fer_edge

    with fer_edge.load("densenet121-int8.tflite") as model:
        face = fer_edge.preprocess(fer_edge.read_image("face.png"), model.contract)
        probabilities = model.predict(face[None])[0]
        print(model.contract.labels[probabilities.argmax()])
"""

from __future__ import annotations

import importlib
import os
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fer_edge.contract import InputContract
    from fer_edge.preprocess import crop, preprocess, read_image
    from fer_edge.runtime.load import load

# OpenCV reads this limit once, when it is imported: pictures of more pixels are not even decoded.
MAX_PIXELS = 2**26
os.environ.setdefault("OPENCV_IO_MAX_IMAGE_PIXELS", str(MAX_PIXELS))

# Nothing is reported to anybody: ONNX Runtime, OpenVINO's converter and NNCF would, over the network.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"
sys.modules["openvino_telemetry"] = None  # type: ignore[assignment]

__all__ = ["InputContract", "crop", "load", "preprocess", "read_image"]

_HOMES = {
    "InputContract": "fer_edge.contract",
    "crop": "fer_edge.preprocess",
    "load": "fer_edge.runtime.load",
    "preprocess": "fer_edge.preprocess",
    "read_image": "fer_edge.preprocess",
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - whatever the name stands for
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


class _Package(ModuleType):
    """Keeps `fer_edge.preprocess` the function: importing the module of that name would put itself there."""

    def __setattr__(self, name: str, value: object) -> None:
        if name == "preprocess" and isinstance(value, ModuleType):
            value = value.preprocess
        super().__setattr__(name, value)


sys.modules[__name__].__class__ = _Package
