"""OpenVINO: float32, float16 weights, int8 through NNCF."""

from __future__ import annotations

from pathlib import Path

import nncf
import numpy as np
import openvino

from convert.plan import FormatPlan
from convert.targets.base import FloatGraphs
from fer_edge.contract import InputContract
from fer_edge.manifest import Precision

RUNTIME_SETTINGS = {"inference_precision": "f32"}


class OpenvinoTarget:
    """Converts the ONNX export; quantizes with NNCF's post-training algorithm."""

    def convert(
        self, graphs: FloatGraphs, precision: Precision, plan: FormatPlan, path: Path
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """See `ConversionTarget.convert`."""
        source, steps = graphs.onnx_graph(plan)
        model = openvino.convert_model(source)
        if precision is Precision.INT8:
            faces = [face[None].astype(np.float32) for face in graphs.range_faces(plan)]
            model = nncf.quantize(model, nncf.Dataset(faces), subset_size=len(faces))
            steps += ("convolutions and Dense layers int8 (NNCF post-training, fast bias correction)",)
        elif precision is Precision.FP16:
            steps += ("weights stored as float16",)
        describe_for_model_api(model, graphs.contract)
        openvino.save_model(model, path, compress_to_fp16=precision is Precision.FP16)
        return steps, dict(RUNTIME_SETTINGS)


def describe_for_model_api(model: openvino.Model, contract: InputContract) -> None:
    """Set the keys with which OpenVINO's Model API and DL Streamer open a classifier rightly.

    Labels are separated by spaces there, so spaces inside one become underscores. Those tools feed BGR, hence
    `reverse_input_channels`; scaling is in our graph already.
    """
    values = {
        "model_type": "Classification",
        "labels": " ".join(label.replace(" ", "_") for label in contract.labels),
        "layout": "pixels:NHWC",
        "resize_type": "standard",
        "reverse_input_channels": "True",
        "mean_values": "0 0 0",
        "scale_values": "1 1 1",
        "multilabel": "False",
        "output_raw_scores": "True",
        "topk": "1",
    }
    for key, value in values.items():
        model.set_rt_info(value, ["model_info", key])
