"""The int8 models of several benchmarks in one Markdown table: `python -m benchmarks.summary RESULTS.json...`."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from benchmarks.document import Document, read_documents, title
from benchmarks.report import NONE, change_text, megabytes, speedup_text, verdict_text
from fer_edge.command_line import run_command
from fer_edge.evaluation.markdown import markdown_table
from fer_edge.evaluation.results import Speedup
from fer_edge.evaluation.statistics import Interval

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
    return [
        f"{artifact['format']} {artifact['precision']}",
        *_size_and_score(artifact),
        change_text(change["value"], Interval(*change["ci95"])),
        f"{artifact['agreement']:.3f}",
        _median(artifact),
        speedup_text(_speedup(artifact["speedup"])),
        speedup_text(_speedup(artifact["speedup_vs_fp32"])),
        verdict_text(artifact["verdict"], artifact["required_n"]),
    ]


def _size_and_score(model: Document) -> list[str]:
    return [megabytes(model["size_bytes"]), f"{100 * model['accuracy']['value']:.2f}"]


def _median(model: Document) -> str:
    median = model["latency_ms"] and model["latency_ms"]["p50"]
    return f"{median:.2f}" if median else NONE


def _speedup(found: Document | None) -> Speedup | None:
    return Speedup(found["value"], Interval(*found["ci95"]), found["reference"]) if found else None


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(results: tuple[Path, ...]) -> None:
    """Print the int8 models of the RESULTS (results.json of `fer-edge benchmark`) beside their baselines."""
    click.echo("\n".join(summary(read_documents(results))))


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
