"""TFLite: float32, float16 weights, dynamic range, full int8."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import tensorflow as tf

from convert.plan import FormatPlan
from convert.targets.base import FloatGraphs
from fer_edge.manifest import Precision
from fer_edge.preprocess import Image


class TfliteTarget:
    """Converts through `tf.lite.TFLiteConverter` at batch 1."""

    def convert(
        self, graphs: FloatGraphs, precision: Precision, plan: FormatPlan, path: Path
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """See `ConversionTarget.convert`."""
        source, steps = graphs.saved_model(plan)
        converter = tf.lite.TFLiteConverter.from_saved_model(str(source))
        steps += _configure(converter, precision, graphs.range_faces(plan))
        path.write_bytes(converter.convert())
        return steps, {}


def _configure(converter: tf.lite.TFLiteConverter, precision: Precision, calibration: Image) -> tuple[str, ...]:
    if precision is Precision.FP32:
        return ()
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FP16:
        converter.target_spec.supported_types = [tf.float16]
        return ("weights stored as float16",)
    if precision is Precision.DYNAMIC:
        # With per-channel Dense weights the file needs FULLY_CONNECTED version 12, which tflite-runtime 2.14 lacks.
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
        return ("weights stored as int8, Dense layers per tensor so that tflite-runtime 2.14 opens the file",)

    def faces() -> Iterator[list[np.ndarray]]:
        for face in _with_full_range(calibration):
            yield [face[None].astype(np.float32)]

    converter.representative_dataset = faces
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tf.uint8
    converter.inference_output_type = tf.float32
    return ("all operators int8, weights per channel, uint8 pixels in, float32 probabilities out",)


def _with_full_range(faces: Image) -> Image:
    """Make one pixel black and one white, or dim images would give the input another scale than one grey level."""
    faces = faces.copy()
    faces[0, 0, 0], faces[0, -1, -1] = 0, 255
    return faces
