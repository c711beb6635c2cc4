"""What the targets share: the float graphs, exported once and rewritten where a plan asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np

from convert.calibration import CalibrationSet
from convert.plan import FormatPlan
from convert.rewrites import apply_rewrites
from fer_edge.contract import InputContract
from fer_edge.manifest import Precision

if TYPE_CHECKING:
    import keras


@dataclass
class FloatGraphs:
    """The model as Keras graph, SavedModel and ONNX file, for each list of rewrites, made when first asked for.

    Attributes:
        model: float32[N, H, W, 3] in 0-255 -> probabilities.
        calibration: faces for quantization, rewrites' ranges and their checks.
        work: folder for intermediate files.
    """

    model: keras.Model
    contract: InputContract
    calibration: CalibrationSet
    work: Path
    _keras: dict[tuple[str, ...], tuple[keras.Model, tuple[str, ...]]] = field(default_factory=dict)
    _exported: dict[tuple[str, tuple[str, ...]], Path] = field(default_factory=dict)

    def keras_graph(self, rewrites: tuple[str, ...]) -> tuple[keras.Model, tuple[str, ...]]:
        """The rewritten model and one sentence per rewrite."""
        if rewrites not in self._keras:
            if rewrites:
                faces = self.calibration.faces.astype(np.float32)
                self._keras[rewrites] = apply_rewrites(self.model, rewrites, faces)
            else:
                self._keras[rewrites] = (self.model, ())
        return self._keras[rewrites]

    def onnx_graph(self, rewrites: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
        """The rewritten model as a float32 ONNX file of batch 1, and one sentence per rewrite."""
        return self._export("onnx", "graph.onnx", rewrites)

    def saved_model(self, rewrites: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
        """The rewritten model as a TensorFlow SavedModel of batch 1, and one sentence per rewrite."""
        return self._export("tf_saved_model", "saved", rewrites)

    def _export(self, kind: str, name: str, rewrites: tuple[str, ...]) -> tuple[Path, tuple[str, ...]]:
        import tensorflow as tf

        model, steps = self.keras_graph(rewrites)
        if (kind, rewrites) not in self._exported:
            path = self.work / f"{len(self._exported)}-{name}"
            shape = (1, self.contract.height, self.contract.width, 3)
            signature = [tf.TensorSpec(shape, tf.float32, name="pixels")]
            model.export(path, format=kind, verbose=False, input_signature=signature)
            self._exported[kind, rewrites] = path
        return self._exported[kind, rewrites], steps


class ConversionTarget(Protocol):
    """Makes one format."""

    def convert(
        self, graphs: FloatGraphs, precision: Precision, plan: FormatPlan, path: Path
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        """Write the model, without manifest, to `path`.

        Returns:
            What was done, one sentence each, and the settings that a runtime must use.
        """
        ...
