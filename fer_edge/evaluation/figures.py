"""Figures of a training and of an evaluation, drawn without a screen; no state of matplotlib's is shared."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from fer_edge.evaluation.classification import Classification
from fer_edge.optional import require
from fer_edge.preprocess import Image
from fer_edge.whole_file import whole_file

COLUMNS = 3
LARGEST_SIDE = 24.0  # inches
FORMATS = ("png", "svg")
RIGHT, WRONG = "#1a6e1a", "#b00020"

Figure = Any
Axes = Any


def confusion_figure(results: Mapping[str, Classification]) -> Figure:
    """Confusion matrices: images, and their share of the true class, which is the colour."""
    classes = max(len(result.labels) for result in results.values())
    titles = _titles(results)
    figure, panels = panels_figure(len(results), side=min(max(4.0, 0.75 * classes + 1), LARGEST_SIDE))
    for panel, (name, result) in zip(panels, results.items(), strict=True):
        counts, ticks = result.confusion, range(len(result.labels))
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        panel.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.ndindex(counts.shape):
            colour = "white" if shares[i, j] > 0.5 else "black"
            panel.text(j, i, f"{counts[i, j]}\n{shares[i, j]:.0%}", ha="center", va="center", color=colour, fontsize=8)
        panel.set_xticks(ticks, result.labels, rotation=45, ha="right", parse_math=False)
        panel.set_yticks(ticks, result.labels, parse_math=False)
        panel.set_xlabel("predicted")
        panel.set_ylabel("label")
        title_panel(panel, titles[name])
    return figure


def reliability_figure(results: Mapping[str, Classification]) -> Figure:
    """Reliability diagrams: accuracy against confidence; the area of a point grows with its images."""
    titles = _titles(results)
    figure, panels = panels_figure(len(results), side=4.0)
    for panel, (name, result) in zip(panels, results.items(), strict=True):
        bins = result.reliability
        confidence, accuracy = [b.confidence for b in bins], [b.accuracy for b in bins]
        panel.plot([0, 1], [0, 1], color="grey", linestyle="--", label="perfectly calibrated")
        panel.plot(confidence, accuracy, color="C0")
        panel.scatter(confidence, accuracy, [10 + 200 * b.n / result.n for b in bins], color="C0", label="measured")
        panel.set(xlim=(0, 1), ylim=(0, 1), xlabel="confidence", ylabel="accuracy", aspect="equal")
        panel.legend(fontsize=8)
        title_panel(panel, f"{titles[name]}\nECE {result.ece:.3f}")
    return figure


def _titles(names: Iterable[str]) -> dict[str, str]:
    """The files' names without their folders, where that tells them apart."""
    short = {name: Path(name).name for name in names}
    return short if len(set(short.values())) == len(short) else {name: name for name in short}


def curves_figure(title: str, history: Sequence[Mapping[str, float]], best_epoch: int) -> Figure:
    """Accuracy and loss on the images that are fitted and on the tuning images, epoch by epoch.

    Args:
        title: of both panels.
        history: a row per epoch with `epoch`, `accuracy`, `loss`, `val_accuracy` and `val_loss`; one at least.
        best_epoch: the one that was kept; epochs count from 1.
    """
    figure, panels = panels_figure(2, side=4.0)
    epochs = [row["epoch"] for row in history]
    for panel, name in zip(panels, ("accuracy", "loss"), strict=True):
        panel.plot(epochs, [row[name] for row in history], marker=".", label="training (augmented)")
        panel.plot(epochs, [row[f"val_{name}"] for row in history], marker=".", label="tuning")
        panel.axvline(best_epoch, color="grey", linestyle=":", label="kept")
        panel.xaxis.get_major_locator().set_params(integer=True, min_n_ticks=1)
        panel.set(xlabel="epoch", ylabel=name, xlim=(epochs[0] - 0.5, epochs[-1] + 0.5))
        panel.legend(fontsize=8)
        title_panel(panel, f"{title}: {name}")
    return figure


def predictions_figure(title: str, pictures: Sequence[tuple[Image, str, bool]]) -> Figure:
    """Pictures (uint8[h, w, 3]) with a caption each, in red where the third value, whether it is right, is False."""
    figure, panels = panels_figure(len(pictures), side=1.6, columns=5)
    for panel, (picture, caption, right) in zip(panels, pictures, strict=True):
        panel.imshow(picture)
        panel.axis("off")
        panel.set_title(caption, fontsize=7, color=RIGHT if right else WRONG, parse_math=False)
    figure.suptitle(title, fontsize=8, parse_math=False)
    return figure


def save_figure(figure: Figure, path: Path, formats: Sequence[str] = FORMATS) -> None:
    """Write `path` with each format's suffix; each name appears when its file is complete, and says no date."""
    matplotlib = require("matplotlib", extra="benchmark")
    for form in formats:
        metadata = {"Date": None} if form == "svg" else None
        target = path.with_name(f"{path.name}.{form}")
        with whole_file(target) as temporary, matplotlib.rc_context({"svg.hashsalt": "fer-edge"}):
            figure.savefig(temporary, format=form, dpi=120, bbox_inches="tight", metadata=metadata)


def panels_figure(count: int, side: float, columns: int = COLUMNS) -> tuple[Figure, list[Axes]]:
    """A figure of `count` panels, `side` inches each."""
    columns = min(columns, count)
    rows = math.ceil(count / columns)
    figure_type = require("matplotlib.figure", extra="benchmark").Figure
    figure = figure_type(figsize=(side * columns, side * rows), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    panels = list(figure.subplots(rows, columns, squeeze=False).flat)
    for panel in panels[count:]:
        panel.remove()
    return figure, panels[:count]


def title_panel(panel: Axes, text: str) -> None:
    """Write the title, whatever characters it has."""
    panel.set_title(text, fontsize=9, parse_math=False)
