"""A live comparison as JSON and Markdown."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from fer_edge.errors import BadInputError
from fer_edge.runtime.compare import ModelFigures
from fer_edge.runtime.pipeline import RunSummary
from fer_edge.system_info import system_info
from fer_edge.whole_file import write_text_file

COLUMNS: tuple[str, ...] = (
    "Model",
    "Runtime",
    "Executed",
    "Faces",
    "p50 / p90 / p99 ms",
    "Alone ms",
    "Agreement",
    "Max change",
)
COLUMNS += ("Flips a minute",)
JSON, MARKDOWN = "compare.json", "compare.md"
COMPANY = 0.15  # a model this much slower than alone is remarked on


def check_folder(folder: Path, overwrite: bool) -> None:
    """Make the folder, before hours of camera are measured; refuse one that holds another report.

    Raises:
        BadInputError: it does, it is a file, or it cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise BadInputError(f"{folder} is a file", "Name a folder for --report")
    if (folder / JSON).exists() and not overwrite:
        raise BadInputError(f"{folder} holds another report", "Give another --report, or --overwrite")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInputError(f"{folder} cannot be made: {error.strerror}", "Give another --report") from error
    if not os.access(folder, os.W_OK | os.X_OK):
        raise BadInputError(f"{folder} cannot be written", "Give another --report")


def write_report(folder: Path, source: str, models: Sequence[ModelFigures], summary: RunSummary) -> Path:
    """Write both files, the JSON one last; returns the Markdown one."""
    document = {
        "schema_version": 1,
        "source": source,
        "models": [asdict(model) for model in models],
        "run": asdict(summary),
        "system": asdict(system_info()),
        "fer_edge": version("fer-edge"),
    }
    for name, text in ((MARKDOWN, markdown(source, models, summary)), (JSON, json.dumps(document, indent=1) + "\n")):
        write_text_file(folder / name, text)
    return folder / MARKDOWN


def markdown(source: str, models: Sequence[ModelFigures], summary: RunSummary) -> str:
    """A table and what a reader must know to read it."""
    lines = [
        f"# {len(models)} models on the same faces of {source}",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|" + "---|" * len(COLUMNS),
        *(_row(name, model) for name, model in zip(names(models), models, strict=True)),
        "",
        f"- {summary.frames} frames in {summary.seconds:.1f} s; {summary.dropped} dropped, {summary.bad_frames} bad",
        "- Agreement and largest change of a probability: against the first model, before smoothing.",
        "- Flips: changes of the unsmoothed label, per minute and face in view.",
        "- Alone: median of the same model on the last face when no other ran in between.",
        *(f"- {remark}" for remark in remarks(models)),
        f"- {system_info().cpu}, {system_info().cores} cores, {system_info().system}",
        "",
    ]
    return "\n".join(lines)


def names(models: Sequence[ModelFigures]) -> list[str]:
    """What to call the models in a table: their files' names, or with the folders where two have the same."""
    short = [model.name.rpartition("/")[2] for model in models]
    return short if len(set(short)) == len(short) else [model.name for model in models]


def remarks(models: Sequence[ModelFigures]) -> list[str]:
    """What the company of the others costs each model, where it is much."""
    found = []
    for name, model in zip(names(models), models, strict=True):
        p50 = model.latency_ms["p50"]
        if p50 and model.alone_ms and p50 > model.alone_ms * (1 + COMPANY):
            cost = p50 / model.alone_ms - 1
            found.append(f"{name} takes {cost:.0%} longer in the company of the others than alone")
    return found


def _row(name: str, model: ModelFigures) -> str:
    times = " / ".join("-" if value is None else f"{value:.2f}" for value in model.latency_ms.values())
    cells = [
        name.replace("|", "\\|"),
        model.runtime,
        model.executed_precision,
        str(model.faces),
        times,
        _or_dash(model.alone_ms, ".2f"),
        _or_dash(model.agreement, ".3f"),
        _or_dash(model.max_difference, ".3f"),
        _or_dash(model.flips_per_minute, ".1f"),
    ]
    return f"| {' | '.join(cells)} |"


def _or_dash(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)
