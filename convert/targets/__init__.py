"""One file per format."""

from __future__ import annotations

from fer_edge.manifest import Format

TARGETS = {
    Format.TFLITE.value: "convert.targets.tflite:TfliteTarget",
    Format.ONNX.value: "convert.targets.onnx:OnnxTarget",
    Format.OPENVINO.value: "convert.targets.openvino:OpenvinoTarget",
}
