"""Verify and benchmark: from a request to a report."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

from benchmarks import accuracy, timing
from benchmarks.baseline import SavedPredictions
from benchmarks.isolated import footprint
from benchmarks.latency import ORDER_SEED
from benchmarks.models import Artifact, OpenedModel
from benchmarks.recommendation import recommended, speed_reason, verdict_reason
from benchmarks.request import BenchmarkRequest, VerifyRequest
from benchmarks.session import Session, open_session
from benchmarks.versions import versions
from fer_edge.data.folder import LabelledImages
from fer_edge.errors import ArtifactError, FerEdgeError
from fer_edge.evaluation.results import (
    ArtifactResult,
    BaselineResult,
    BenchmarkReport,
    DataSummary,
    Footprint,
    Skipped,
)
from fer_edge.evaluation.statistics import SEED
from fer_edge.models import model_name, resolve_model
from fer_edge.system_info import system_info

Say = Callable[[str], None]


def verify(request: VerifyRequest, say: Say) -> BenchmarkReport:
    """Compare accuracy.

    Raises:
        FerEdgeError: see `open_session`.
    """
    with ExitStack() as stack:
        say("[1/2] opening the models, checking the images against what the models were calibrated and chosen on")
        session = open_session(request, stack)
        say(f"[2/2] classifying {len(session.images)} images")
        return _compared(session, say)


def benchmark(request: BenchmarkRequest, say: Say) -> BenchmarkReport:
    """Compare accuracy, latency and memory.

    Raises:
        FerEdgeError: see `open_session`.
    """
    with ExitStack() as stack:
        say("[1/4] opening the models, checking the images against what the models were calibrated and chosen on")
        session = open_session(request, stack)
        say(f"[2/4] classifying {len(session.images)} images")
        report = _compared(session, say)
        say(f"[3/4] timing the models in turns, {request.min_seconds:g} s each")
        report = timing.timed(session, report, request.min_seconds, say)
    say("[4/4] measuring memory and the time to the first result, a process for each model")
    return _concluded(_with_footprints(report, request, say))


def _compared(session: Session, say: Say) -> BenchmarkReport:
    """Accuracy of all models, and the comparisons."""
    predictions = _baseline_predictions(session, say)
    request, baseline = session.request, session.baseline
    compared: list[ArtifactResult] = []
    skipped = list(session.skipped)
    for artifact in session.artifacts:
        try:
            compared.append(_artifact_result(session, artifact, predictions, say))
        except ArtifactError as error:
            skipped.append(Skipped(artifact.name, str(error), error.exit_code))
    if request.save_baseline is not None:
        predictions.save(request.save_baseline)
    result = BaselineResult(
        path=model_name(request.baseline),
        kind=_kind(baseline),
        runtime=predictions.runtime,
        executed_precision=predictions.executed_precision,
        size_bytes=predictions.size_bytes,
        source_sha256=predictions.source_sha256,
        accuracy=accuracy.measure(session.images.targets, predictions.probabilities),
        reasons=baseline.warnings if isinstance(baseline, OpenedModel) else (),
    )
    return BenchmarkReport(
        machine=system_info(),
        margin=request.margin,
        threads=request.threads,
        data=_summary(session.images),
        baseline=result,
        artifacts=tuple(compared),
        skipped=tuple(skipped),
        versions=versions(),
        seeds={"bootstrap": SEED, "latency_order": ORDER_SEED},
    )


def _baseline_predictions(session: Session, say: Say) -> SavedPredictions:
    baseline = session.baseline
    if isinstance(baseline, SavedPredictions):
        return baseline
    say(f"      {baseline.name} (baseline)")
    probabilities = accuracy.predict_all(baseline.backend, session.images, baseline.name)
    return SavedPredictions.of(baseline, session.exact, session.images.targets, probabilities)


def _artifact_result(session: Session, artifact: Artifact, baseline: SavedPredictions, say: Say) -> ArtifactResult:
    say(f"      {artifact.name}")
    targets, margin = session.images.targets, session.request.margin
    probabilities = accuracy.predict_all(artifact.backend, session.images, artifact.name)
    selecting = accuracy.selecting_images(artifact.selected_on, session.prints)
    comparison = accuracy.compare(targets, baseline.probabilities, probabilities, margin, selected=selecting > 0)
    reasons = list(artifact.warnings)
    if artifact.source_sha256 != baseline.source_sha256:
        reasons.append(
            "it was not converted from the baseline's checkpoint, so the difference is not quantization's alone"
        )
    if selecting:
        reasons.append(
            f"{selecting} of the {len(targets)} images chose its checkpoint, so a verdict on them would prove nothing: "
            "give images that training never saw"
        )
    reasons += verdict_reason(comparison, len(targets), margin)
    return ArtifactResult(
        path=artifact.name,
        format=artifact.manifest.format.value,
        precision=artifact.manifest.precision.value,
        runtime=artifact.backend.runtime,
        executed_precision=artifact.backend.executed_precision,
        runtime_settings=artifact.manifest.runtime_settings,
        size_bytes=artifact.size_bytes,
        source_sha256=artifact.source_sha256,
        accuracy=accuracy.measure(targets, probabilities),
        comparison=comparison,
        reasons=tuple(reasons),
    )


def _with_footprints(report: BenchmarkReport, request: BenchmarkRequest, say: Say) -> BenchmarkReport:
    def measured(path: str, runtime: str | None) -> tuple[Footprint | None, tuple[str, ...]]:
        say(f"      {path}")
        file = resolve_model(path)
        try:
            return footprint(file, request.threads, runtime), ()
        except FerEdgeError as error:
            return None, (str(error).replace(str(file.absolute()), path),)

    baseline = report.baseline
    if baseline.kind != "predictions":
        cost, failed = measured(baseline.path, None)
        baseline = replace(baseline, footprint=cost, reasons=baseline.reasons + failed)
    artifacts = []
    for artifact in report.artifacts:
        cost, failed = measured(artifact.path, request.runtime)
        artifacts.append(replace(artifact, footprint=cost, reasons=artifact.reasons + failed))
    return replace(report, baseline=baseline, artifacts=tuple(artifacts))


def _concluded(report: BenchmarkReport) -> BenchmarkReport:
    """Add what is recommended, and why the rest is not."""
    problems = report.conditions.problems if report.conditions else ()
    artifacts = tuple(
        replace(a, recommended=recommended(a), reasons=(*a.reasons, *problems, *speed_reason(a)))
        for a in report.artifacts
    )
    return replace(report, artifacts=artifacts)


def _kind(baseline: OpenedModel | SavedPredictions) -> str:
    if isinstance(baseline, SavedPredictions):
        return "predictions"
    return "artifact" if isinstance(baseline, Artifact) else "checkpoint"


def _summary(images: LabelledImages) -> DataSummary:
    counts = Counter(images.labels[t] for t in images.targets)
    return DataSummary(images.source, len(images), {label: counts[label] for label in images.labels}, images.sha256())
