"""The report for people: a table on the screen, and the same as Markdown."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.recommendation import fastest
from fer_edge.evaluation.markdown import markdown_table
from fer_edge.evaluation.results import (
    AccuracyResult,
    ArtifactResult,
    BenchmarkReport,
    Conditions,
    Footprint,
    LatencyResult,
    Speedup,
)
from fer_edge.evaluation.statistics import Interval

FIGURE = "tradeoff.svg"
NONE = "-"
PLAIN_WIDTH = 200  # where there is no terminal, do not fold at its usual 80 columns
ACCURACY_COLUMNS = (
    "Artifact",
    "Runtime",
    "Stored -> executed",
    "MB",
    "Accuracy % [95% CI]",
    "Macro-F1 % [CI]",
    "Change, points [CI], p",
    "ECE",
)
TIME_COLUMNS = ("p50 / p90 / p99 ms", "Speed-up [CI]", "vs own fp32 [CI]", "Peak MB", "First ms")

Row = list[str]


def columns(report: BenchmarkReport) -> Row:
    """The table's head."""
    return [*ACCURACY_COLUMNS, *(TIME_COLUMNS if report.conditions else ()), "Verdict"]


def rows(report: BenchmarkReport) -> list[Row]:
    """The baseline, then every artifact."""
    base, timed = report.baseline, report.conditions is not None
    first = [f"{Path(base.path).name} (baseline)", base.runtime, base.executed_precision, megabytes(base.size_bytes)]
    first += [*_accuracy(base.accuracy), NONE, f"{base.accuracy.ece:.3f}"]
    if timed:
        first += [_latency(base.latency), NONE, NONE, *_footprint(base.footprint)]
    return [[*first, NONE], *(_artifact_row(a, timed) for a in report.artifacts)]


def print_report(report: BenchmarkReport, console: Console | None = None) -> None:
    """Print table, conditions and reasons; on stderr unless another console is given."""
    console = console or Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)
    table = Table(show_lines=False)
    for number, name in enumerate(columns(report)):
        table.add_column(name, overflow="fold", no_wrap=number == 0)
    for row in rows(report):
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    console.print(table)
    for line in [*facts(report), *notes(report)]:
        console.print(line, markup=False, soft_wrap=True)


def markdown(report: BenchmarkReport) -> str:
    """The report as Markdown."""
    lines = ["# fer-edge: converted models against the full-precision baseline", ""]
    lines += markdown_table(columns(report), rows(report))
    if report.conditions:
        lines += ["", f"![accuracy over time]({FIGURE})"]
    lines += ["", *(f"- {line}" for line in facts(report))]
    reasons = notes(report)
    if reasons:
        lines += ["", "## Notes", "", *(f"- {line}" for line in reasons)]
    lines += ["", "## Made with", "", ", ".join(f"{name} {version}" for name, version in report.versions.items())]
    return "\n".join(lines) + "\n"


def facts(report: BenchmarkReport) -> Row:
    """What the figures rest on, a sentence each."""
    machine, data = report.machine, report.data
    lines = [
        f"{data.n} images of {data.source} (SHA-256 {data.sha256[:16]}); "
        f"acceptable loss {100 * report.margin:g} points; 95% intervals, paired where models are compared",
        f"{machine.cpu}, {machine.cores} cores ({', '.join(machine.features) or 'no special instructions'}), "
        f"{machine.memory_mb} MB, {machine.system}; threads per model: {report.threads or 'all cores'}",
    ]
    if report.conditions:
        lines += [_conditions(report.conditions), *(f"INVALID times: {p}" for p in report.conditions.problems)]
        best = fastest(report.artifacts)
        lines.append(f"Recommended: {best.path}" if best else "Recommended: none; the notes say why")
    return lines


def notes(report: BenchmarkReport) -> Row:
    """Reasons per model; those that hold for all are among the facts."""
    common = set(report.conditions.problems) if report.conditions else set()
    lines = [f"{Path(report.baseline.path).name}: {reason}" for reason in report.baseline.reasons]
    for artifact in report.artifacts:
        lines += [f"{Path(artifact.path).name}: {reason}" for reason in artifact.reasons if reason not in common]
    return lines + [f"{Path(s.path).name} was left out: {s.reason}" for s in report.skipped]


def _artifact_row(artifact: ArtifactResult, timed: bool) -> Row:
    comparison = artifact.comparison
    change = change_text(comparison.delta_accuracy, comparison.delta_ci95)
    row = [Path(artifact.path).name, artifact.runtime, f"{artifact.precision} -> {artifact.executed_precision}"]
    row += [megabytes(artifact.size_bytes), *_accuracy(artifact.accuracy)]
    row += [f"{change}, p={comparison.mcnemar_p:.2g}", f"{artifact.accuracy.ece:.3f}"]
    if timed:
        row += [_latency(artifact.latency), speedup_text(artifact.speedup), speedup_text(artifact.speedup_vs_fp32)]
        row += _footprint(artifact.footprint)
    verdict = verdict_text(comparison.verdict.value, comparison.required_n)
    return [*row, verdict + (", recommended" if artifact.recommended else "")]


def _conditions(conditions: Conditions) -> str:
    before, after = conditions.before, conditions.after

    def change(values: tuple[float | None, float | None], unit: str) -> str:
        return " to ".join("unknown" if v is None else f"{v:.0f}" for v in dict.fromkeys(values)) + f" {unit}"

    foreign = "unknown" if conditions.foreign_load is None else f"{conditions.foreign_load:.0%}"
    return (
        f"governor {after.governor or 'unknown'}, clock {change((before.frequency_mhz, after.frequency_mhz), 'MHz')}, "
        f"temperature {change((before.temperature_c, after.temperature_c), '°C')}, "
        f"throttling {'not reported' if after.throttling is None else 'watched'}, "
        f"processor time taken by others {foreign}"
    )


def _accuracy(result: AccuracyResult) -> Row:
    return [
        f"{100 * result.accuracy:.2f} {_interval(result.accuracy_ci95, 100, '.1f')}",
        f"{100 * result.macro_f1:.2f} {_interval(result.macro_f1_ci95, 100, '.1f')}",
    ]


def _latency(result: LatencyResult | None) -> str:
    if result is None:
        return NONE
    values = [result.percentile_ms(q) for q in (50, 90, 99)]
    return " / ".join(NONE if v is None else f"{v:.2f}" for v in values)


def speedup_text(result: Speedup | None) -> str:
    """A ratio of times with its interval."""
    return NONE if result is None else f"{result.value:.2f}x {_interval(result.ci95, 1, '.2f')}"


def _footprint(result: Footprint | None) -> Row:
    return [NONE, NONE] if result is None else [f"{result.peak_rss_mb:.0f}", f"{result.first_inference_ms:.0f}"]


def change_text(value: float, interval: Interval) -> str:
    """A difference of accuracies with its interval, in points."""
    return f"{100 * value:+.2f} {_interval(interval, 100, '+.2f')}"


def verdict_text(verdict: str, required_n: int | None) -> str:
    """A verdict, and how many images would decide where these do not."""
    return f"{verdict} (need n >= {required_n})" if required_n else verdict


def megabytes(size: int) -> str:
    """A file's size in bytes as MB."""
    return f"{size / 1e6:.1f}"


def _interval(interval: Interval, factor: float, form: str) -> str:
    return f"[{factor * interval.low:{form}}, {factor * interval.high:{form}}]"
