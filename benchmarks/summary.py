"""The int8 models of several benchmarks in one Markdown table: `python -m benchmarks.summary RESULTS.json...`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from benchmarks.document import Document, read_documents, title
from benchmarks.report import NONE
from fer_edge.command_line import run_command
from fer_edge.evaluation.markdown import markdown_table

HEAD = (
    "Network",
    "Model",
    "MB",
    "Accuracy %",
    "Change, points [CI]",
    "Agreement",
    "p50 ms",
    "Speed-up [CI]",
    "vs own fp32 [CI]",
    "Verdict",
)


def summary(results: Mapping[str, Document]) -> list[str]:
    """Lines of a table: of each benchmark the baseline, then the int8 models.

    Args:
        results: name -> what results.json holds.
    """
    rows = []
    for name, result in results.items():
        rows.append([title(name, result), *_baseline_cells(result["baseline"])])
        rows += [[name, *_artifact_cells(a)] for a in result["artifacts"] if a["precision"] == "int8"]
    return markdown_table(HEAD, rows)


def _baseline_cells(baseline: Document) -> list[str]:
    name = f"{baseline['runtime'].split()[0]} {baseline['executed_precision']} (baseline)"
    return [name, *_size_and_score(baseline), NONE, NONE, _median(baseline), NONE, NONE, NONE]


def _artifact_cells(artifact: Document) -> list[str]:
    change = artifact["delta_accuracy"]
    low, high = (100 * bound for bound in change["ci95"])
    decisive = f" (need n >= {artifact['required_n']})" if artifact["required_n"] else ""
    return [
        f"{artifact['format']} {artifact['precision']}",
        *_size_and_score(artifact),
        f"{100 * change['value']:+.2f} [{low:+.2f}, {high:+.2f}]",
        f"{artifact['agreement']:.3f}",
        _median(artifact),
        _speedup(artifact["speedup"]),
        _speedup(artifact["speedup_vs_fp32"]),
        artifact["verdict"] + decisive,
    ]


def _size_and_score(model: Document) -> list[str]:
    return [f"{model['size_bytes'] / 1e6:.1f}", f"{100 * model['accuracy']['value']:.2f}"]


def _median(model: Document) -> str:
    median = model["latency_ms"] and model["latency_ms"]["p50"]
    return f"{median:.2f}" if median else NONE


def _speedup(speedup: Document | None) -> str:
    if speedup is None:
        return NONE
    low, high = speedup["ci95"]
    return f"{speedup['value']:.2f}x [{low:.2f}, {high:.2f}]"


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(results: tuple[Path, ...]) -> None:
    """Print the int8 models of the RESULTS (results.json of `fer-edge benchmark`) beside their baselines."""
    click.echo("\n".join(summary(read_documents(results))))


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
