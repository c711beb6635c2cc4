"""Conversion plans: how each format is quantized to int8."""

from __future__ import annotations

import hashlib
from pathlib import Path

from pydantic import BaseModel, ConfigDict

from fer_edge.errors import UsageError
from fer_edge.toml_file import read_toml

FOLDER = Path(__file__).parent / "plans"


class FormatPlan(BaseModel):
    """How one format is quantized to int8.

    Attributes:
        rewrites: names in `convert.rewrites.REWRITES`, applied in order to the float graph.
        operators: ONNX operator types to quantize; empty for all that the runtime can.
        saturate_outliers: leave images with activations far beyond the typical ones out of the ranges.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    rewrites: tuple[str, ...] = ()
    operators: tuple[str, ...] = ()
    saturate_outliers: bool = False

    def sha256(self) -> str:
        """A hash of the definition, so that a plan that changed under the same name is noticed."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


AS_EXPORTED = FormatPlan()


class Plan(BaseModel):
    """One plan: a part for each format."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    tflite: FormatPlan = AS_EXPORTED
    onnx: FormatPlan = AS_EXPORTED
    openvino: FormatPlan = AS_EXPORTED


def load_plan(name: str) -> Plan:
    """Read `convert/plans/<name>.toml`.

    Raises:
        UsageError: there is no such plan.
    """
    plans = {path.stem: path for path in FOLDER.glob("*.toml")}
    if name not in plans:
        raise UsageError(f"there is no conversion plan {name!r}", f"Choose one of: {', '.join(sorted(plans))}")
    return read_toml(plans[name], Plan, "conversion plan", "Install fer-edge again")
