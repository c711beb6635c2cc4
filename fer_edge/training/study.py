"""The three networks side by side, as in the published study, with its figures next to ours."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from fer_edge.errors import BadInputError
from fer_edge.evaluation.markdown import markdown_table
from fer_edge.training.outputs import REPORT
from fer_edge.whole_file import write_text_file

SCHEMA_VERSION = 1
PUBLISHED_ACCURACY = {"resnet50v2": 0.79, "inceptionv3": 0.65, "densenet121": 0.75}
OTHER_DATA = "other data: not comparable"
FILES = ("comparison.md", "comparison.json")

Document = dict[str, Any]


def write_comparison(out: Path, architectures: Sequence[str]) -> Path:
    """Compare the runs in `out`, one folder per network; returns the path of comparison.md.

    Raises:
        BadInputError: a run has no report, or a damaged one.
    """
    reports = [_read(out / name / REPORT) for name in architectures]
    try:
        document = {
            "schema_version": SCHEMA_VERSION,
            "same_conditions": all(_settled(report) == _settled(reports[0]) for report in reports),
            "published_accuracy": {**PUBLISHED_ACCURACY, "note": OTHER_DATA},
            "models": reports,
        }
        texts = {"comparison.json": json.dumps(document, indent=1) + "\n", "comparison.md": _markdown(document)}
    except (KeyError, TypeError, AttributeError) as error:
        raise BadInputError(f"a {REPORT} in {out} lacks {error}", "Train again with --overwrite") from error
    for name, text in texts.items():
        write_text_file(out / name, text)
    return out / "comparison.md"


def _settled(report: Document) -> tuple[Document, Document]:
    """What decides the result. Options are in the recipe already, and its name is but a name."""
    conditions = {key: value for key, value in report["conditions"].items() if key != "overrides"}
    recipe = {key: value for key, value in conditions["recipe"].items() if key != "name"}
    return {**conditions, "recipe": recipe}, report["data"]


def check_output(out: Path, architectures: Sequence[str], overwrite: bool) -> None:
    """Refuse, before any training, a comparison of another origin and finished runs that cannot be compared.

    Raises:
        BadInputError: there is one, unless it may be replaced.
    """
    if overwrite:
        return
    reports = {name: (out / name / REPORT).exists() for name in architectures}
    taken = [name for name in FILES if (out / name).exists()]
    if taken and not any(reports.values()):
        raise BadInputError(f"{out / taken[0]} exists already", "Give another --out, or --overwrite to replace it")
    for name in (name for name, there in reports.items() if not there):
        if (out / name / f"{name}.keras").exists():
            raise BadInputError(
                f"{out / name} is a finished run without {REPORT}, so it cannot be compared",
                "Give another --out, or --overwrite to train it again",
            )


def _read(path: Path) -> Document:
    try:
        report: Document = json.loads(path.read_text(encoding="utf-8"))
        if not {"conditions", "data"} <= set(report):
            raise ValueError("no conditions")
    except (OSError, ValueError, TypeError) as error:
        raise BadInputError(
            f"{path} cannot be compared ({error})", f"Train {path.parent.name} again with --overwrite"
        ) from error
    return report


def _markdown(document: Document) -> str:
    reports = document["models"]
    labels = list(dict.fromkeys(label for report in reports for label in report["per_class"]))
    head = ["Network", "Accuracy % [95% CI]", "Macro-F1 %", "Weighted F1 %", *(f"F1 {label} %" for label in labels)]
    head += ["Epochs (kept)", f"Published accuracy % ({OTHER_DATA})"]
    same = document["same_conditions"]
    lines = ["# The three networks", "", *markdown_table(head, [_row(report, labels) for report in reports]), ""]
    lines.append(
        "The same images, recipe and seed for all."
        if same
        else "**Not under the same conditions**: the runs differ in images, recipe or options; see comparison.json."
    )
    lines.append(
        f"Measured on {reports[0]['data']['n']} tuning images, which stopped the trainings, as in the study: not an "
        f"independent figure. The study's data cannot be had: its accuracies are of {OTHER_DATA}."
    )
    weights: dict[str, str] = {}
    for conditions in (report["conditions"] for report in reports):
        given = conditions["recipe"]["weights"]  # the option may say more: why there are none
        weights[given] = max(weights.get(given, given), conditions["overrides"].get("weights", ""), key=len)
    lines += [f"Initial weights: {given}." for given in sorted(weights.values())]
    return "\n".join(lines) + "\n"


def _row(report: Document, labels: Sequence[str]) -> list[str]:
    def percent(value: float) -> str:
        return f"{100 * value:.1f}"

    low, high = report["accuracy"]["ci95"]
    row = [report["architecture"], f"{percent(report['accuracy']['value'])} [{percent(low)}, {percent(high)}]"]
    row += [percent(report["macro_f1"]["value"]), percent(report["weighted_f1"]["value"])]
    row += [percent(report["per_class"][label]["f1"]["value"]) for label in labels]
    published = PUBLISHED_ACCURACY.get(report["architecture"])
    row += [f"{report['epochs']} ({report['best_epoch']})", "-" if published is None else f"{100 * published:.0f}"]
    return row
