"""What verification and benchmark find out, as frozen records; `benchmarks.report` prints them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from fer_edge.device_state import DeviceState
from fer_edge.evaluation.statistics import Interval, Samples
from fer_edge.evaluation.verdict import Verdict
from fer_edge.percentiles import percentile_ms
from fer_edge.system_info import SystemInfo


@dataclass(frozen=True)
class AccuracyResult:
    """How right one model is.

    Attributes:
        n: images.
        accuracy: fraction, with Wilson's interval.
        macro_f1: fraction, with its bootstrap interval.
        ece: expected calibration error, 0-1.
    """

    n: int
    accuracy: float
    accuracy_ci95: Interval
    macro_f1: float
    macro_f1_ci95: Interval
    ece: float


@dataclass(frozen=True)
class Comparison:
    """A candidate against the baseline on the same images.

    Attributes:
        delta_accuracy: candidate minus baseline, fraction, with its paired interval.
        mcnemar_p: exact, two-sided.
        agreement: fraction of images with the same top-1 label.
        verdict: see `Verdict`.
        required_n: for INCONCLUSIVE: images that would decide; None when none would, and for the other verdicts.
    """

    delta_accuracy: float
    delta_ci95: Interval
    mcnemar_p: float
    agreement: float
    verdict: Verdict
    required_n: int | None = None


@dataclass(frozen=True)
class LatencyResult:
    """Raw times of one face each.

    Attributes:
        blocks_ns: one int64[n] per round, nanoseconds.
    """

    blocks_ns: tuple[Samples, ...]

    @property
    def samples_ns(self) -> Samples:
        """All samples in the order taken, int64[N]."""
        return np.concatenate(self.blocks_ns)

    @property
    def n(self) -> int:
        """Number of samples."""
        return sum(len(b) for b in self.blocks_ns)

    def percentile_ms(self, q: int) -> float | None:
        """Percentile `q` (50, 90, 95 or 99), milliseconds; None when there are too few samples for it."""
        return percentile_ms(self.samples_ns, q)

    @property
    def drift(self) -> float:
        """Largest block median over the smallest, minus 1."""
        medians = [float(np.median(b)) for b in self.blocks_ns]
        return max(medians) / min(medians) - 1


@dataclass(frozen=True)
class Speedup:
    """Median time of the reference over median time of the candidate; above 1 the candidate is faster."""

    value: float
    ci95: Interval
    reference: str


@dataclass(frozen=True)
class Conditions:
    """The machine over a latency run.

    Attributes:
        before: state at the start.
        after: state at the end.
        foreign_load: share of the machine's processor time that other processes took, 0-1; None where unknown.
        problems: why the run is INVALID, each with its remedy; empty when it is valid.
    """

    before: DeviceState
    after: DeviceState
    foreign_load: float | None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True)
class Footprint:
    """What a model costs a process that runs nothing else.

    Attributes:
        peak_rss_mb: largest resident memory, megabytes (10^6 bytes), interpreter and runtime included.
        first_inference_ms: from opening the file, imports of the runtime included, to the first result.
    """

    peak_rss_mb: float
    first_inference_ms: float


@dataclass(frozen=True)
class BaselineResult:
    """The full-precision model.

    Attributes:
        path: as the user named it.
        kind: "checkpoint", "artifact" or "predictions".
        runtime: what executed it; for predictions what had executed it.
        executed_precision: see `Backend`.
        size_bytes: all files of the model.
        source_sha256: of the checkpoint that it is, or comes from.
        latency: None for predictions, and in a verification.
        footprint: None where `latency` is, or where the measuring process failed.
        reasons: why values are missing.
    """

    path: str
    kind: str
    runtime: str
    executed_precision: str
    size_bytes: int
    source_sha256: str
    accuracy: AccuracyResult
    latency: LatencyResult | None = None
    footprint: Footprint | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class ArtifactResult:
    """One converted model.

    Attributes:
        path: as the user named it.
        format: "tflite", "onnx" or "openvino".
        precision: as stored: "fp32", "fp16", "dynamic" or "int8".
        runtime: what executed it, with version, and the device where it has a choice.
        executed_precision: see `Backend`.
        size_bytes: all its files.
        source_sha256: of the checkpoint that it was converted from.
        runtime_settings: that it was made for and run with, such as ONNX Runtime's graph optimisation level.
        comparison: with the baseline, on the same images.
        latency: None in a verification, as all that follows but `reasons`.
        speedup: against the baseline; with saved predictions as baseline, against the runtime's fp32 artifact.
        speedup_vs_fp32: against the fp32 artifact of the same runtime.
        footprint: None where the measuring process failed.
        valid: whether the run's times count; of all models of a run alike.
        recommended: proved as accurate as the baseline and, unless it is fp32 itself, proved faster than its fp32.
        reasons: why not, why values are missing, and what the runtime warned of.
    """

    path: str
    format: str
    precision: str
    runtime: str
    executed_precision: str
    runtime_settings: Mapping[str, str]
    size_bytes: int
    source_sha256: str
    accuracy: AccuracyResult
    comparison: Comparison
    latency: LatencyResult | None = None
    speedup: Speedup | None = None
    speedup_vs_fp32: Speedup | None = None
    footprint: Footprint | None = None
    valid: bool | None = None
    recommended: bool | None = None
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True)
class Skipped:
    """An artifact that this machine cannot run.

    Attributes:
        exit_code: of the error that opening it raised.
    """

    path: str
    reason: str
    exit_code: int


@dataclass(frozen=True)
class DataSummary:
    """The images of a comparison.

    Attributes:
        source: as the user named them.
        n: images.
        per_label: label -> images.
        sha256: see `LabelledImages.sha256`.
    """

    source: str
    n: int
    per_label: Mapping[str, int]
    sha256: str


@dataclass(frozen=True)
class BenchmarkReport:
    """Everything; `conditions` is None for a verification, which measures no time."""

    machine: SystemInfo
    margin: float
    threads: int | None
    data: DataSummary
    baseline: BaselineResult
    artifacts: tuple[ArtifactResult, ...]
    skipped: tuple[Skipped, ...] = ()
    conditions: Conditions | None = None
    versions: Mapping[str, str] = field(default_factory=dict)
    seeds: Mapping[str, int] = field(default_factory=dict)

    @property
    def exit_code(self) -> int:
        """0, or the first of 8, 9, 4, 6, 3, 5, 7 that applies (see docs of the command line)."""
        verdicts = {a.comparison.verdict for a in self.artifacts}
        codes = {s.exit_code for s in self.skipped}
        if Verdict.INFERIOR in verdicts:
            codes.add(3)
        if self.conditions is not None and self.conditions.problems:
            codes.add(5)
        if verdicts & {Verdict.INCONCLUSIVE, Verdict.SELECTED_ON_THIS_DATA}:
            codes.add(7)
        return next((code for code in (8, 9, 4, 6, 3, 5, 7) if code in codes), 0)
