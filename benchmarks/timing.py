"""Adds times and speed-ups to a report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from benchmarks import latency
from benchmarks.models import Artifact, OpenedModel
from benchmarks.session import Session
from fer_edge.evaluation.results import (
    ArtifactResult,
    BaselineResult,
    BenchmarkReport,
    LatencyResult,
)
from fer_edge.percentiles import SAMPLES_FOR_PERCENTILE

REPORTED_PERCENTILES = (50, 90, 95, 99)
NO_MODEL = "saved predictions have no latency: speed-ups are against the fp32 artifact of each runtime"


def timed(session: Session, report: BenchmarkReport, seconds: float, say: Callable[[str], None]) -> BenchmarkReport:
    """Time all opened models in turns; see `latency.measure`.

    Args:
        session: the opened models.
        report: with the accuracy results.
        seconds: least time per model.
        say: takes progress messages.
    """
    compared = {result.path for result in report.artifacts}
    artifacts = [a for a in session.artifacts if a.name in compared]
    opened: dict[str, OpenedModel] = {a.name: a for a in artifacts}
    if isinstance(session.baseline, OpenedModel):
        references = [session.baseline.name]
        opened = {references[0]: session.baseline} | opened
    else:
        references = [a.name for a in artifacts if a.is_fp32_of(a)] or list(opened)
    run = latency.measure({name: m.backend for name, m in opened.items()}, session.images, references, seconds, say)
    valid = not run.conditions.problems
    return replace(
        report,
        baseline=_baseline(report.baseline, run),
        artifacts=tuple(
            _artifact(result, artifact, opened, run, report.baseline.path, valid)
            for result, artifact in zip(report.artifacts, artifacts, strict=True)
        ),
        conditions=run.conditions,
    )


def _baseline(baseline: BaselineResult, run: latency.LatencyRun) -> BaselineResult:
    times = run.results.get(baseline.path)
    reasons = (NO_MODEL,) if times is None else missing_percentiles(times)
    return replace(baseline, latency=times, reasons=(*baseline.reasons, *reasons))


def _artifact(
    result: ArtifactResult,
    artifact: Artifact,
    opened: dict[str, OpenedModel],
    run: latency.LatencyRun,
    baseline: str,
    valid: bool,
) -> ArtifactResult:
    own = run.results[result.path]
    others = [n for n, m in opened.items() if n != result.path and isinstance(m, Artifact) and m.is_fp32_of(artifact)]
    itself = artifact.is_fp32_of(artifact)
    versus_fp32 = None if itself or not others else latency.speedup(run.results[others[0]], own, others[0])
    base = run.results.get(baseline)
    reasons = missing_percentiles(own)
    if base is None and versus_fp32 is None:
        what = "it is the fp32 artifact" if itself else "the fp32 artifact of its runtime is not among those given"
        reasons.append(f"no speed-up: the baseline is saved predictions, and {what}")
    return replace(
        result,
        latency=own,
        speedup=latency.speedup(base, own, baseline) if base else versus_fp32,
        speedup_vs_fp32=versus_fp32,
        valid=valid,
        reasons=(*result.reasons, *reasons),
    )


def missing_percentiles(times: LatencyResult) -> list[str]:
    """Why a percentile is not reported, a sentence each."""
    return [
        f"p{q} is not reported: {times.n} samples, and it needs {SAMPLES_FOR_PERCENTILE[q]} (raise --min-seconds)"
        for q in REPORTED_PERCENTILES
        if times.percentile_ms(q) is None
    ]
