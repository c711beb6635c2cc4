"""The int8 models of several benchmarks in one table."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from benchmarks.document import read_documents
from benchmarks.summary import command, summary
from fer_edge.errors import BadInputError

BASELINE = {
    "runtime": "keras 3",
    "executed_precision": "fp32",
    "size_bytes": 34_000_000,
    "accuracy": {"value": 0.86},
    "latency_ms": None,
}
INT8: dict[str, Any] = {
    "format": "onnx",
    "precision": "int8",
    "size_bytes": 9_000_000,
    "accuracy": {"value": 0.85},
    "delta_accuracy": {"value": -0.01, "ci95": [-0.02, 0.0]},
    "agreement": 0.9,
    "latency_ms": {"p50": None},
    "speedup": None,
    "speedup_vs_fp32": {"value": 1.5, "ci95": [1.25, 2], "reference": "fp32.onnx"},
    "verdict": "INCONCLUSIVE",
    "required_n": 5000,
    "valid": True,
}


def test_what_was_not_measured_is_a_dash_and_what_would_decide_is_said(tmp_path: Path) -> None:
    result = {"baseline": BASELINE, "artifacts": [{**INT8, "precision": "fp16"}, INT8]}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/results.json").write_text(json.dumps(result))
    done = CliRunner().invoke(command, [str(tmp_path / "mine/results.json")], catch_exceptions=False)
    assert done.output.splitlines()[2:] == [
        "| mine | keras fp32 (baseline) | 34.0 | 86.00 | - | - | - | - | - | - |",
        "| mine | onnx int8 | 9.0 | 85.00 | -1.00 [-2.00, +0.00] | 0.900 | - | - | 1.50x [1.25, 2.00] "
        "| INCONCLUSIVE (need n >= 5000) |",
    ]


def test_invalid_times_are_said() -> None:
    lines = summary({"mine": {"baseline": BASELINE, "artifacts": [{**INT8, "valid": False}]}})
    assert lines[2].startswith("| mine (times INVALID) | keras fp32 (baseline) |")


def test_another_file_is_refused(tmp_path: Path) -> None:
    for text in ("{", "[]", '{"baseline": {}}'):
        (tmp_path / "other.json").write_text(text)
        with pytest.raises(BadInputError, match=r"is not results\.json of fer-edge benchmark"):
            read_documents([tmp_path / "other.json"])
