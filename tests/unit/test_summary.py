"""The int8 models of several benchmarks in one table."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from benchmarks.summary import command


def test_times_that_were_not_measured_are_a_dash(tmp_path: Path) -> None:
    baseline = {"runtime": "keras 3", "executed_precision": "fp32", "size_bytes": 34_000_000, "latency_ms": None}
    int8 = {
        "format": "onnx",
        "precision": "int8",
        "size_bytes": 9_000_000,
        "accuracy": {"value": 0.85},
        "delta_accuracy": {"value": -0.01, "ci95": [-0.02, 0.0]},
        "agreement": 0.9,
        "latency_ms": None,
        "speedup": None,
        "speedup_vs_fp32": {"value": 1.5, "ci95": [1.25, 2]},
        "verdict": "INCONCLUSIVE",
    }
    result = {"baseline": {**baseline, "accuracy": {"value": 0.86}}, "artifacts": [{**int8, "precision": "fp16"}, int8]}
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/results.json").write_text(json.dumps(result))
    done = CliRunner().invoke(command, [str(tmp_path / "mine/results.json")], catch_exceptions=False)
    assert done.output.splitlines()[2:] == [
        "| mine | keras fp32 (baseline) | 34.0 | 86.00 | - | - | - | - | - | - |",
        "| mine | onnx int8 | 9.0 | 85.00 | -1.00 [-2.00, +0.00] | 0.900 | - | - | 1.50x [1.25, 2.00] | INCONCLUSIVE |",
    ]


def test_another_file_is_refused(tmp_path: Path) -> None:
    for text in ("{", "[]", '{"baseline": {}}'):
        (tmp_path / "other.json").write_text(text)
        refused = CliRunner().invoke(command, [str(tmp_path / "other.json")])
        assert refused.exit_code == 2
        assert "is not results.json of fer-edge benchmark" in refused.output
