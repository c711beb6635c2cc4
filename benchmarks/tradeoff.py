"""The picture of a benchmark: what each model costs in time and in accuracy.

`python -m benchmarks.tradeoff OUT.svg RESULTS.json...` draws several benchmarks side by side.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import click

from benchmarks.document import Document, read_documents, title
from fer_edge.command_line import run_command
from fer_edge.evaluation.figures import Axes, Figure, panels_figure, save_figure, title_panel
from fer_edge.optional import require

COLOURS = {"tflite": "#d95f02", "onnx": "#1b6ca8", "openvino": "#4d9221"}
MARKERS = {"fp32": "o", "fp16": "s", "dynamic": "^", "int8": "D"}


def tradeoff_figure(results: Mapping[str, Document]) -> Figure:
    """Accuracy over median time of one face, a panel for each benchmark.

    Args:
        results: name -> what results.json holds.

    Returns:
        Bars are the paired 95% intervals of the difference from the baseline, whose accuracy is the dashed line; in the
        shaded band more than the accepted loss is lost.
    """
    figure, panels = panels_figure(len(results), side=5.0)
    for panel, (name, result) in zip(panels, results.items(), strict=True):
        _draw(panel, result)
        title_panel(panel, title(name, result))
    return figure


def _draw(panel: Axes, result: Document) -> None:
    base = 100 * result["baseline"]["accuracy"]["value"]
    panel.axhline(base, color="black", linestyle="--", linewidth=0.8)
    timed = [a for a in result["artifacts"] if a["latency_ms"]]
    lows = [base + 100 * a["delta_accuracy"]["ci95"][0] for a in timed]
    highs = [base + 100 * a["delta_accuracy"]["ci95"][1] for a in timed]
    for artifact, low, high in zip(timed, lows, highs, strict=True):
        time = artifact["latency_ms"]["p50"]
        colour = COLOURS[artifact["format"]]
        panel.vlines(time, low, high, color=colour, alpha=0.5)
        panel.plot(
            time,
            100 * artifact["accuracy"]["value"],
            MARKERS[artifact["precision"]],
            color=colour,
            label=f"{artifact['format']} {artifact['precision']}",
        )
    if result["baseline"].get("latency_ms"):
        panel.plot(result["baseline"]["latency_ms"]["p50"], base, "k*", markersize=10, label="baseline")
    limit = base - 100 * result["settings"]["margin"]
    bottom, top = min([limit, *lows]) - 0.3, max([base, *highs]) + 0.3
    panel.axhspan(bottom, limit, color="#b00020", alpha=0.1, linewidth=0, label="more than accepted is lost")
    panel.set(xscale="log", ylim=(bottom, top), xlabel="median time of one face, ms", ylabel="accuracy, %")
    ticker = require("matplotlib.ticker", extra="benchmark")
    panel.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    panel.xaxis.set_major_formatter("{x:g}")
    panel.xaxis.set_minor_formatter(ticker.NullFormatter())
    panel.grid(visible=True, alpha=0.2)
    panel.legend(fontsize=7, loc="lower right", ncols=2)


@click.command()
@click.argument("out", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("results", nargs=-1, required=True, type=click.Path(path_type=Path, exists=True, dir_okay=False))
def command(out: Path, results: tuple[Path, ...]) -> None:
    """Draw the RESULTS (results.json of `fer-edge benchmark`) side by side into OUT, each titled by its folder."""
    documents = read_documents(results)
    if out.suffix != ".svg":
        raise click.UsageError(f"{out} does not end in .svg")
    if out.exists():
        raise click.UsageError(f"{out} exists already: remove it, or give another name")
    save_figure(tradeoff_figure(documents), out.with_suffix(""), ("svg",))


if __name__ == "__main__":
    sys.exit(run_command(command, sys.argv[1:]))
