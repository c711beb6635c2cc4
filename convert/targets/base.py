"""What the targets share: the float graphs, exported once and rewritten where a plan asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from convert.calibration import CalibrationSet
from convert.plan import FormatPlan
from convert.rewrites import apply_rewrites
from fer_edge.contract import InputContract
from fer_edge.manifest import Precision
from fer_edge.preprocess import Image

if TYPE_CHECKING:
    import keras


@dataclass
class FloatGraphs:
    """The model as Keras graph, SavedModel and ONNX file, for each plan, made when first asked for.

    Attributes:
        model: float32[N, H, W, 3] in 0-255 -> probabilities.
        calibration: faces for quantization, rewrites' ranges and their checks.
        work: folder for intermediate files.
    """

    model: keras.Model
    contract: InputContract
    calibration: CalibrationSet
    work: Path
    _keras: dict[FormatPlan, tuple[keras.Model, tuple[str, ...]]] = field(default_factory=dict)
    _exported: dict[tuple[str, FormatPlan], Path] = field(default_factory=dict)

    def range_faces(self, plan: FormatPlan) -> Image:
        """The calibration faces, uint8[N, H, W, 3], that set the ranges of activations under a plan."""
        faces = self.calibration.faces
        return faces[self._typical] if plan.saturate_outliers and self._typical is not None else faces

    def keras_graph(self, plan: FormatPlan) -> tuple[keras.Model, tuple[str, ...]]:
        """The rewritten model and one sentence per step."""
        if plan not in self._keras:
            faces = self.range_faces(plan).astype(np.float32)
            model, steps = apply_rewrites(self.model, plan.rewrites, faces)
            self._keras[plan] = (model, (*self._outlier_steps(plan), *steps))
        return self._keras[plan]

    def onnx_graph(self, plan: FormatPlan) -> tuple[Path, tuple[str, ...]]:
        """The rewritten model as a float32 ONNX file of batch 1, and one sentence per step."""
        return self._export("onnx", "graph.onnx", plan)

    def saved_model(self, plan: FormatPlan) -> tuple[Path, tuple[str, ...]]:
        """The rewritten model as a TensorFlow SavedModel of batch 1, and one sentence per step."""
        return self._export("tf_saved_model", "saved", plan)

    @cached_property
    def _typical(self) -> NDArray[np.bool_] | None:
        """Which calibration faces are no outliers; None for a model whose activations cannot be listed."""
        from convert.outliers import typical_images
        from convert.rewrites.graph import UnsupportedGraphError

        try:
            return typical_images(self.model, self.calibration.faces.astype(np.float32))
        except UnsupportedGraphError:
            return None

    def _outlier_steps(self, plan: FormatPlan) -> tuple[str, ...]:
        if not plan.saturate_outliers:
            return ()
        if self._typical is None:
            return ("refused: saturate-outliers does not apply: the model is no graph of layers that are used once",)
        outliers = int((~self._typical).sum())
        return (f"saturate-outliers: {outliers} of {len(self._typical)} calibration images do not set ranges",)

    def _export(self, kind: str, name: str, plan: FormatPlan) -> tuple[Path, tuple[str, ...]]:
        import tensorflow as tf

        model, steps = self.keras_graph(plan)
        if (kind, plan) not in self._exported:
            path = self.work / f"{len(self._exported)}-{name}"
            shape = (1, self.contract.height, self.contract.width, 3)
            signature = [tf.TensorSpec(shape, tf.float32, name="pixels")]
            model.export(path, format=kind, verbose=False, input_signature=signature)
            self._exported[kind, plan] = path
        return self._exported[kind, plan], steps


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
