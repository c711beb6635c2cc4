"""What the targets share: the float graphs, exported once and rewritten where a plan asks for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, TypeAlias

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

_Key: TypeAlias = tuple[bool, tuple[str, ...]]


@dataclass
class FloatGraphs:
    """The model as Keras graph, SavedModel and ONNX file, for each plan, made when first asked for.

    Attributes:
        model: float32[N, H, W, 3] in 0-255 -> probabilities.
        calibration: faces that were sampled; `range_faces` are those that set ranges.
        work: folder for intermediate files.
    """

    model: keras.Model
    contract: InputContract
    calibration: CalibrationSet
    work: Path
    _keras: dict[_Key, tuple[keras.Model, tuple[str, ...]]] = field(default_factory=dict)
    _exported: dict[tuple[str, _Key], Path] = field(default_factory=dict)

    def range_faces(self, plan: FormatPlan) -> Image:
        """The calibration faces, uint8[N, H, W, 3], that set the ranges of activations under a plan."""
        faces = self.calibration.faces
        return faces[self._outliers[0]] if plan.saturate_outliers else faces

    def keras_graph(self, plan: FormatPlan) -> tuple[keras.Model, tuple[str, ...]]:
        """The rewritten model and one sentence per step."""
        key = _key(plan)
        if key not in self._keras:
            model = self.model
            steps: tuple[str, ...] = (self._outliers[1],) if plan.saturate_outliers else ()
            if plan.rewrites:
                ranges, faces = (f.astype(np.float32) for f in (self.range_faces(plan), self.calibration.faces))
                model, notes = apply_rewrites(model, plan.rewrites, ranges, faces)
                steps += notes
            self._keras[key] = model, steps
        return self._keras[key]

    def onnx_graph(self, plan: FormatPlan) -> tuple[Path, tuple[str, ...]]:
        """The rewritten model as a float32 ONNX file of batch 1, and one sentence per step."""
        return self._export("onnx", "graph.onnx", plan)

    def saved_model(self, plan: FormatPlan) -> tuple[Path, tuple[str, ...]]:
        """The rewritten model as a TensorFlow SavedModel of batch 1, and one sentence per step."""
        return self._export("tf_saved_model", "saved", plan)

    @cached_property
    def _outliers(self) -> tuple[NDArray[np.bool_], str]:
        """Which calibration faces set ranges where outliers do not, and a sentence about it."""
        from convert.outliers import typical_images
        from convert.rewrites.graph import UnsupportedGraphError

        faces = self.calibration.faces
        try:
            typical = typical_images(self.model, faces.astype(np.float32))
        except UnsupportedGraphError as error:
            return np.ones(len(faces), bool), f"refused: saturate-outliers does not apply: {error.message}"
        outliers = len(faces) - int(typical.sum())
        return typical, f"saturate-outliers: {outliers} of {len(faces)} calibration images do not set ranges"

    def _export(self, kind: str, name: str, plan: FormatPlan) -> tuple[Path, tuple[str, ...]]:
        import tensorflow as tf

        model, steps = self.keras_graph(plan)
        key = kind, _key(plan)
        if key not in self._exported:
            path = self.work / f"{len(self._exported)}-{name}"
            shape = (1, self.contract.height, self.contract.width, 3)
            signature = [tf.TensorSpec(shape, tf.float32, name="pixels")]
            model.export(path, format=kind, verbose=False, input_signature=signature)
            self._exported[key] = path
        return self._exported[key], steps


def _key(plan: FormatPlan) -> _Key:
    """What of a plan decides the float graph."""
    return plan.saturate_outliers, plan.rewrites


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
