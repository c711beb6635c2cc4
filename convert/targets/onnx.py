"""ONNX: float32, float16 weights, static int8 in QDQ form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
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

# The level moves int8 accuracy (it decides which QDQ pairs are fused), so it is part of the artifact.
RUNTIME_SETTINGS = {"graph_optimization_level": "all"}


class OnnxTarget:
    """Converts through Keras' ONNX export and ONNX Runtime's quantization tools."""

    def convert(
        self, graphs: FloatGraphs, precision: Precision, plan: FormatPlan, path: Path
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """See `ConversionTarget.convert`."""
        source, steps = graphs.onnx_graph(plan)
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
    quantize_static(
        str(prepared),
        str(path),
        _Faces(graphs.range_faces(plan)),
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=list(plan.operators) or None,
        per_channel=True,
        # The full range, signed: sums that overflow on x86-64 without VNNI are the backend's to prevent, and it does.
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )
    what = ", ".join(plan.operators) or "all operators"
    return (f"{what} int8 (QDQ, signed, weights per channel)",)


class _Faces(CalibrationDataReader):
    def __init__(self, faces: Image) -> None:
        self._faces = iter(faces)

    def get_next(self) -> dict[str, np.ndarray] | None:
        """The next face as the graph's input, or None at the end."""
        face = next(self._faces, None)
        return None if face is None else {"pixels": face[None].astype(np.float32)}
