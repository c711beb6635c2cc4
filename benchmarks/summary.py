"""The int8 models of several benchmarks in one Markdown table: `python -m benchmarks.summary RESULTS.json...`."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import click

from benchmarks.document import Document
from fer_edge.command_line import run_command
from fer_edge.evaluation.markdown import markdown_table

HEAD = (
    "Network",
    "Model",
    "MB",
    "Accuracy %",
    "Change, points [95% CI]",
    "Agreement",
    "p50 ms",
    "Speed-up over the baseline",
    "over own fp32",
    "Verdict",
)
NONE = "-"


def summary(results: Mapping[str, Document]) -> list[str]:
    """Lines of a table: of each benchmark the baseline, then the int8 models.

    Args:
        results: title -> what results.json holds.
    """
    rows = []
    for title, result in results.items():
        rows.append([title, *_baseline_cells(result["baseline"])])
        rows += [[title, *_artifact_cells(a)] for a in result["artifacts"] if a["precision"] == "int8"]
    return markdown_table(HEAD, rows)


def _baseline_cells(baseline: Document) -> list[str]:
    cells = [
        f"{baseline['runtime'].split()[0]} {baseline['executed_precision']} (baseline)",
        *_size_and_score(baseline),
    ]
    return [*cells, NONE, NONE, _median(baseline), NONE, NONE, NONE]


def _artifact_cells(artifact: Document) -> list[str]:
    change = artifact["delta_accuracy"]
    low, high = (100 * bound for bound in change["ci95"])
    return [
        f"{artifact['format']} {artifact['precision']}",
        *_size_and_score(artifact),
        f"{100 * change['value']:+.2f} [{low:+.2f}, {high:+.2f}]",
        f"{artifact['agreement']:.3f}",
        _median(artifact),
        _speedup(artifact["speedup"]),
        _speedup(artifact["speedup_vs_fp32"]),
        artifact["verdict"],
    ]


def _size_and_score(model: Document) -> list[str]:
    return [f"{model['size_bytes'] / 1e6:.1f}", f"{100 * model['accuracy']['value']:.2f}"]


def _median(model: Document) -> str:
    return f"{model['latency_ms']['p50']:.2f}" if model["latency_ms"] else NONE


def _speedup(speedup: Document | None) -> str:
    if speedup is None:
        return NONE
    low, high = speedup["ci95"]
    return f"{speedup['value']:.2f}x [{low:.2f}, {high:.2f}]"


def read_results(paths: Sequence[Path]) -> dict[str, Document]:
    """What the files hold, by the names of their folders.

    Raises:
        click.UsageError: two folders of one name, or a file that is not results.json of `fer-edge benchmark`.
    """
    results = {path.parent.name: _read(path) for path in paths}
    if len(results) < len(paths):
        titles = ", ".join(path.parent.name for path in paths)
        raise click.UsageError(f"the folders {titles} are the titles: give each another name")
    return results


def _read(path: Path) -> Document:
    try:
        found: Document = json.loads(path.read_text(encoding="utf-8"))
        timed = "latency_ms" in found["baseline"]
    except (ValueError, KeyError, TypeError):
        timed = False
    if not timed:
        raise click.UsageError(f"{path} is not results.json of fer-edge benchmark")
    return found


@click.command()
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(results: tuple[Path, ...]) -> None:
    """Print the int8 models of the RESULTS (results.json of `fer-edge benchmark`) beside their baselines."""
    click.echo("\n".join(summary(read_results(results))))


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
