"""ONNX: float32, float16 weights, static int8 in QDQ form."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from onnxruntime.transformers.float16 import convert_float_to_float16

from convert.plan import FormatPlan
from convert.targets.base import FloatGraphs
from fer_edge.manifest import Precision
from fer_edge.preprocess import Image

# Histogram calibration keeps every activation of the images it sees at once: 3 GB for 200 of DenseNet121 at 96 px.
IMAGES_AT_ONCE = 20

# The level moves int8 accuracy (it decides which QDQ pairs are fused), so it is part of the artifact.
RUNTIME_SETTINGS = {"graph_optimization_level": "all"}


class OnnxTarget:
    """Converts through Keras' ONNX export and ONNX Runtime's quantization tools."""

    def convert(
        self, graphs: FloatGraphs, precision: Precision, plan: FormatPlan, path: Path
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """See `ConversionTarget.convert`."""
        source, steps = graphs.onnx_graph(plan.rewrites if precision is Precision.INT8 else ())
        if precision is Precision.INT8:
            steps += _quantize(source, path, plan, graphs)
        else:
            model = onnx.load(source)
            if precision is Precision.FP16:
                model = convert_float_to_float16(model, keep_io_types=True)
                steps += ("weights and arithmetic declared float16, inputs and outputs float32",)
            onnx.save(model, path)
        return steps, dict(RUNTIME_SETTINGS)


def _quantize(source: Path, path: Path, plan: FormatPlan, graphs: FloatGraphs) -> tuple[str, ...]:
    prepared = graphs.work / "prepared.onnx"
    quant_pre_process(str(source), str(prepared), skip_symbolic_shape=True)
    faces = _Faces(graphs.calibration.faces)
    quantize_static(
        str(prepared),
        str(path),
        faces,
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(plan.operators) or None,
        per_channel=True,
        # Signed activations: unsigned ones saturate on AVX2 and AVX-512 without VNNI.
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
        calibrate_method=CalibrationMethod[plan.calibration_method],
        # Takes a divisor of the number of images; despite its name it serves every calibration method.
        extra_options={"CalibStridedMinMax": math.gcd(len(faces), IMAGES_AT_ONCE)},
    )
    what = ", ".join(plan.operators) or "all operators"
    return (f"{what} int8 (QDQ, signed, weights per channel, {plan.calibration_method} ranges)",)


class _Faces(CalibrationDataReader):
    def __init__(self, faces: Image) -> None:
        self._faces = faces
        self.set_range(0, len(faces))

    def __len__(self) -> int:
        return len(self._faces)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Give the faces from `start_index` to before `end_index` next."""
        self._range = iter(self._faces[start_index:end_index])

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next face as the graph's input, or None at the end."""
        face = next(self._range, None)
        return None if face is None else {"pixels": face[None].astype(np.float32)}
