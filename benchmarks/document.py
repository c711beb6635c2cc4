"""The report as JSON: fractions, milliseconds; null where nothing was measured, with a reason beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from benchmarks.recommendation import fastest
from fer_edge.errors import BadInputError
from fer_edge.evaluation.results import (
    AccuracyResult,
    ArtifactResult,
    BaselineResult,
    BenchmarkReport,
    Footprint,
    LatencyResult,
    Speedup,
)
from fer_edge.evaluation.statistics import Interval

SCHEMA_VERSION = 1

Document = dict[str, Any]


def document(report: BenchmarkReport) -> Document:
    """The whole report; a verification has no keys about time and memory."""
    timed = report.conditions is not None
    result: Document = {
        "schema_version": SCHEMA_VERSION,
        "device": {
            "machine": asdict(report.machine),
            "conditions": asdict(report.conditions) if report.conditions else None,
        },
        "settings": {"margin": report.margin, "threads": report.threads},
        "data": asdict(report.data),
        "baseline": _baseline(report.baseline, timed),
        "artifacts": [_artifact(a, timed) for a in report.artifacts],
        "skipped": [asdict(s) for s in report.skipped],
        "versions": dict(report.versions),
        "seeds": dict(report.seeds),
        "exit_code": report.exit_code,
    }
    if timed:
        best = fastest(report.artifacts)
        result["recommended"] = best.path if best else None
    return result


def read_documents(paths: Sequence[Path]) -> dict[str, Document]:
    """What results.json files hold, by the names of their folders.

    Raises:
        click.UsageError: two folders of one name.
        BadInputError: a file that is not results.json of `fer-edge benchmark`.
    """
    documents = {path.absolute().parent.name: _read(path) for path in paths}
    if len(documents) < len(paths):
        names = ", ".join(path.absolute().parent.name for path in paths)
        raise click.UsageError(f"the folders {names} are the titles: give each another name")
    return documents


def _read(path: Path) -> Document:
    remedy = "Give the one that fer-edge benchmark --out FOLDER wrote"
    try:
        found: Document = json.loads(path.read_text(encoding="utf-8"))
        found["baseline"]["latency_ms"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInputError(f"{path} is not results.json of fer-edge benchmark", remedy) from error
    return found


def title(name: str, result: Document) -> str:
    """The name, and whether the times count."""
    invalid = any(artifact["valid"] is False for artifact in result["artifacts"])
    return f"{name} (times INVALID)" if invalid else name


def _baseline(baseline: BaselineResult, timed: bool) -> Document:
    result: Document = {
        "path": baseline.path,
        "kind": baseline.kind,
        "runtime": baseline.runtime,
        "executed_precision": baseline.executed_precision,
        "size_bytes": baseline.size_bytes,
        "source_sha256": baseline.source_sha256,
        **_accuracy(baseline.accuracy),
    }
    if timed:
        result |= {"latency_ms": _latency(baseline.latency), **_footprint(baseline.footprint)}
    return {**result, "reasons": list(baseline.reasons)}


def _artifact(artifact: ArtifactResult, timed: bool) -> Document:
    comparison = artifact.comparison
    result: Document = {
        "path": artifact.path,
        "format": artifact.format,
        "precision": artifact.precision,
        "runtime": artifact.runtime,
        "executed_precision": artifact.executed_precision,
        "runtime_settings": dict(artifact.runtime_settings),
        "size_bytes": artifact.size_bytes,
        "source_sha256": artifact.source_sha256,
        **_accuracy(artifact.accuracy),
        "delta_accuracy": {"value": comparison.delta_accuracy, "ci95": _interval(comparison.delta_ci95)},
        "mcnemar_p": comparison.mcnemar_p,
        "agreement": comparison.agreement,
        "verdict": comparison.verdict.value,
        "required_n": comparison.required_n,
    }
    if timed:
        result |= {
            "latency_ms": _latency(artifact.latency),
            "speedup": _speedup(artifact.speedup),
            "speedup_vs_fp32": _speedup(artifact.speedup_vs_fp32),
            **_footprint(artifact.footprint),
            "valid": artifact.valid,
            "recommended": artifact.recommended,
        }
    return {**result, "reasons": list(artifact.reasons)}


def _accuracy(result: AccuracyResult) -> Document:
    return {
        "accuracy": {"value": result.accuracy, "n": result.n, "ci95": _interval(result.accuracy_ci95)},
        "macro_f1": result.macro_f1,
        "macro_f1_ci95": _interval(result.macro_f1_ci95),
        "ece": result.ece,
    }


def _latency(result: LatencyResult | None) -> Document | None:
    if result is None:
        return None
    return {**{f"p{q}": result.percentile_ms(q) for q in (50, 90, 95, 99)}, "n": result.n}


def _speedup(result: Speedup | None) -> Document | None:
    if result is None:
        return None
    return {"value": result.value, "ci95": _interval(result.ci95), "reference": result.reference}


def _footprint(result: Footprint | None) -> Document:
    return {
        "peak_rss_mb": result.peak_rss_mb if result else None,
        "first_inference_ms": result.first_inference_ms if result else None,
    }


def _interval(interval: Interval) -> list[float]:
    return [interval.low, interval.high]
