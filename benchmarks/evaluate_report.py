"""An evaluation as JSON, as Markdown, as tables on the screen and as a folder of files."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.evaluate import ENSEMBLE, Evaluation, ModelEvaluation
from benchmarks.report import PLAIN_WIDTH
from fer_edge.evaluation.classification import Estimate
from fer_edge.evaluation.classification_report import (
    CLASS_COLUMNS,
    SUMMARY_COLUMNS,
    Document,
    class_rows,
    classification_document,
    classification_markdown,
    estimate_document,
    interval,
    percent,
    summary_rows,
)
from fer_edge.evaluation.figures import confusion_figure, reliability_figure, save_figure
from fer_edge.evaluation.markdown import markdown_table
from fer_edge.evaluation.verdict import Verdict
from fer_edge.whole_file import write_text_file

SCHEMA_VERSION = 1
REPORT = "report.json"
FIGURES = {"confusion": confusion_figure, "reliability": reliability_figure}
FILES = ("confusion.png", "confusion.svg", "reliability.png", "reliability.svg", "report.md", REPORT)
PAIR_COLUMNS = ("First", "Second", "Second - first, points [95% CI]", "McNemar p", "Holm p", "Agreement")
VOTES_COLUMNS = ("Model", "Total variation from the crowd [95% CI]")
ROBUSTNESS_TITLE = "Accuracy % on photos in trouble (change in points)"
MISTAKE_COLUMNS = ("Image", "Label", "Predicted", "Confidence")


def document(found: Evaluation) -> Document:
    """What `--json` prints: fractions; `selected_on_this_data`, `votes` and `robustness` only where they apply."""
    result: Document = {
        "schema_version": SCHEMA_VERSION,
        "data": {"n": found.n, "sha256": found.sha256},
        "models": [{"name": model.name, "sha256": model.sha256, **_scores(model)} for model in found.models],
        "pairs": [
            {
                "first": pair.first,
                "second": pair.second,
                "delta_accuracy": estimate_document(pair.delta_accuracy),
                "mcnemar_p": pair.mcnemar_p,
                "holm_p": pair.holm_p,
                "agreement": pair.agreement,
            }
            for pair in found.pairs
        ],
        "ensemble": {"models": [m.name for m in found.models], **_scores(found.ensemble)} if found.ensemble else None,
    }
    if found.votes_sha256:
        result["votes"] = {
            "sha256": found.votes_sha256,
            "rater_agreement": estimate_document(found.rater) if found.rater else None,
            "total_variation": {
                m.name: estimate_document(m.total_variation) for m in found.all_models if m.total_variation
            },
        }
    if found.robustness:
        result["robustness"] = [
            {
                "corruption": entry.corruption,
                "models": [
                    {
                        "name": m.name,
                        "accuracy": estimate_document(entry.accuracy[m.name]),
                        "delta_accuracy": estimate_document(entry.delta_accuracy[m.name]),
                    }
                    for m in found.all_models
                ],
            }
            for entry in found.robustness
        ]
    return result


def _scores(model: ModelEvaluation) -> Document:
    scores = classification_document(model.scores)
    return {**scores, "selected_on_this_data": model.selected} if model.selected else scores


def details(found: Evaluation) -> Document:
    """What report.json holds: `document`, with every model's mistakes, reliability and warnings."""
    result = document(found)
    for model, entry in zip(found.all_models, [*result["models"], result["ensemble"]], strict=False):
        entry["mistakes"] = [asdict(mistake) for mistake in model.mistakes]
        entry["reliability"] = [asdict(part) for part in model.scores.reliability]
        entry["warnings"] = list(model.warnings)
    return result


def facts(found: Evaluation) -> list[str]:
    """What the figures rest on, a sentence each."""
    lines = [f"{found.n} images of {found.source} (SHA-256 {found.sha256[:16]}); 95% intervals"]
    if found.rater:
        lines.append(f"One human rater agrees with the others on {percent(found.rater)} % (docs/evaluate.md says how)")
    if found.ensemble:
        lines.append(f"{ENSEMBLE}: the mean of the {len(found.models)} models' probabilities")
    for model in found.all_models:
        lines += [f"{model.name}: {warning}" for warning in model.warnings]
        if model.selected:
            lines.append(
                f"{model.name}: {Verdict.SELECTED_ON_THIS_DATA.value}: {model.selected} of the {found.n} images chose "
                "it in training, and any others may be what it was fitted to: its figures are too good; give images "
                "that training never saw"
            )
    return lines


def print_evaluation(found: Evaluation) -> None:
    """Print the tables on stderr."""
    console = Console(stderr=True, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, PLAIN_WIDTH)
    _print_table(console, "", SUMMARY_COLUMNS, _summary(found))
    for model in found.all_models:
        _print_table(console, model.name, CLASS_COLUMNS, class_rows(model.scores))
        _print_table(console, f"{model.name}: most confident mistakes", MISTAKE_COLUMNS, _mistakes(model))
    _print_table(console, "Pairs", PAIR_COLUMNS, _pairs(found))
    _print_table(console, "", VOTES_COLUMNS, _votes(found))
    _print_table(console, ROBUSTNESS_TITLE, _robustness_columns(found), _robustness(found))
    for line in facts(found):
        console.print(line, markup=False, soft_wrap=True)


def _print_table(console: Console, title: str, head: tuple[str, ...], rows: list[list[str]]) -> None:
    if not rows:
        return
    table = Table(title=title.replace("[", r"\[") or None, title_justify="left")
    for name in head:
        table.add_column(name.replace("[", r"\["), overflow="fold")
    for row in rows:
        table.add_row(*(cell.replace("[", r"\[") for cell in row))
    console.print(table)


def markdown(found: Evaluation) -> str:
    """The report as Markdown, with the figures that lie beside it."""
    lines = ["# fer-edge: evaluation", "", *markdown_table(SUMMARY_COLUMNS, _summary(found)), ""]
    lines += [f"- {line}" for line in facts(found)]
    if found.pairs:
        lines += ["", "## Pairs", "", *markdown_table(PAIR_COLUMNS, _pairs(found))]
    if found.votes_sha256:
        lines += ["", "## Against the crowd", "", *markdown_table(VOTES_COLUMNS, _votes(found))]
    if found.robustness:
        lines += ["", f"## {ROBUSTNESS_TITLE}", "", *markdown_table(_robustness_columns(found), _robustness(found))]
    lines += ["", *(f"![{name}]({name}.png)" for name in FIGURES)]
    for model in found.all_models:
        lines += ["", f"## {model.name}", "", *classification_markdown(model.scores)]
        if model.mistakes:
            lines += ["", "Most confident mistakes:", "", *markdown_table(MISTAKE_COLUMNS, _mistakes(model))]
    return "\n".join(lines) + "\n"


def _summary(found: Evaluation) -> list[list[str]]:
    return summary_rows({model.name: model.scores for model in found.all_models})


def _pairs(found: Evaluation) -> list[list[str]]:
    def points(change: Estimate) -> str:
        return f"{100 * change.value:+.2f} {interval(change.ci95, 100, '+.2f')}"

    return [
        [p.first, p.second, points(p.delta_accuracy), f"{p.mcnemar_p:.2g}", f"{p.holm_p:.2g}", f"{p.agreement:.3f}"]
        for p in found.pairs
    ]


def _votes(found: Evaluation) -> list[list[str]]:
    return [
        [m.name, f"{m.total_variation.value:.3f} {interval(m.total_variation.ci95, form='.3f')}"]
        for m in found.all_models
        if m.total_variation
    ]


def _robustness_columns(found: Evaluation) -> tuple[str, ...]:
    return ("Photos", *(model.name for model in found.all_models))


def _robustness(found: Evaluation) -> list[list[str]]:
    """A row per corruption: accuracy and, in brackets, what the corruption did to it."""
    if not found.robustness:
        return []
    names = [model.name for model in found.all_models]
    untouched = ["untouched", *(f"{100 * model.scores.accuracy.value:.1f}" for model in found.all_models)]
    return [untouched] + [
        [
            entry.corruption,
            *(f"{100 * entry.accuracy[n].value:.1f} ({100 * entry.delta_accuracy[n].value:+.1f})" for n in names),
        ]
        for entry in found.robustness
    ]


def _mistakes(model: ModelEvaluation) -> list[list[str]]:
    return [[m.path, m.label, m.predicted, f"{m.confidence:.3f}"] for m in model.mistakes]


def write_output(found: Evaluation, folder: Path) -> None:
    """Write `FILES`, report.json last; each name appears when its file is complete."""
    folder.mkdir(parents=True, exist_ok=True)
    results = {model.name: model.scores for model in found.all_models}
    for name, draw in FIGURES.items():
        save_figure(draw(results), folder / name)
    texts = {"report.md": markdown(found), REPORT: json.dumps(details(found), indent=1, allow_nan=False) + "\n"}
    for name, text in texts.items():
        write_text_file(folder / name, text)
