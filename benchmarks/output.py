"""The files of a benchmark: results.json, report.md, tradeoff.svg and samples.npz, complete or not there."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.document import document
from benchmarks.report import FIGURE, markdown
from benchmarks.tradeoff import tradeoff_figure
from fer_edge.errors import BadInputError
from fer_edge.evaluation.figures import save_figure
from fer_edge.evaluation.results import BenchmarkReport

RESULTS = "results.json"


def check_output(folder: Path, overwrite: bool, files: Sequence[str] = (RESULTS,)) -> None:
    """Refuse a folder whose `files` would be lost, or that can take none, before any work.

    Raises:
        BadInputError: it holds one of them, is a file or below one, or nothing can be written in it.
    """
    taken = [name for name in files if (folder / name).exists()]
    if taken and not overwrite:
        raise BadInputError(f"{folder / taken[0]} exists already", "Give another --out, or --overwrite to replace it")
    nearest = next(path for path in (folder, *folder.absolute().parents) if path.exists())
    if not (nearest.is_dir() and os.access(nearest, os.W_OK | os.X_OK)):
        raise BadInputError(f"no results can be written in {folder}: {nearest} takes none", "Give another --out")


def write_output(report: BenchmarkReport, folder: Path) -> Path:
    """Write the files, results.json last; returns its path."""
    folder.mkdir(parents=True, exist_ok=True)
    names = ("samples.npz", FIGURE, "report.md", RESULTS)
    temporary = {name: folder / f".tmp.{name}" for name in names}
    found = document(report)
    try:
        with temporary["samples.npz"].open("wb") as stream:
            np.savez_compressed(stream, **_samples(report))
        drawn = tradeoff_figure({Path(report.baseline.path).stem: found})
        save_figure(drawn, temporary[FIGURE].with_suffix(""), ("svg",))
        temporary["report.md"].write_text(markdown(report), encoding="utf-8")
        temporary[RESULTS].write_text(json.dumps(found, indent=1, allow_nan=False) + "\n", encoding="utf-8")
        for name in names:
            temporary[name].replace(folder / name)
    finally:
        for path in temporary.values():
            path.unlink(missing_ok=True)
    return folder / RESULTS


def _samples(report: BenchmarkReport) -> dict[str, Any]:
    """Arrays int64: `i` holds the times of artifact `i` (ns, in order), `i_rounds` the number of samples per round."""
    timed = {"baseline": report.baseline.latency, **{str(i): a.latency for i, a in enumerate(report.artifacts)}}
    arrays: dict[str, Any] = {}
    for name, latency in timed.items():
        if latency is not None:
            arrays[name] = latency.samples_ns
            arrays[f"{name}_rounds"] = np.array([len(b) for b in latency.blocks_ns], np.int64)
    return arrays
