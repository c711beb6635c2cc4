"""What a training leaves beside its checkpoint: curves, classification report, confusion matrix, some predictions."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

from fer_edge.data.folder import LabelledImages
from fer_edge.data.split import balanced_sample
from fer_edge.evaluation.classification import Classification, Probabilities, classify
from fer_edge.evaluation.classification_report import (
    SUMMARY_COLUMNS,
    classification_document,
    classification_markdown,
    summary_rows,
)
from fer_edge.evaluation.figures import confusion_figure, curves_figure, predictions_figure, save_figure
from fer_edge.evaluation.markdown import markdown_table
from fer_edge.manifest import CheckpointInfo, TrainingRecord
from fer_edge.training.model_card import write_model_card
from fer_edge.training.recipe import Recipe
from fer_edge.training.state import Progress
from fer_edge.whole_file import whole_file, write_text_file

SCHEMA_VERSION = 1
REPORT = "report.json"
FIGURES = ("curves.png", "curves.svg", "confusion.png", "confusion.svg", "predictions.png")
FILES = ("history.csv", "README.md", "report.md", REPORT, *FIGURES)
PICTURES = 15
LOCAL = "shows images of the data: keep it on this machine"

TEXT = """# {architecture}: classification report

{summary}

{classes}

{n} tuning images. They stopped the training and chose the epoch that was kept, as in the study that the recipe `paper`
follows: this is not an independent figure (SELECTED_ON_THIS_DATA). On images that training never saw, use
`fer-edge evaluate {architecture}.keras --data DATA`.

![curves](curves.png)
![confusion matrix](confusion.png)

`predictions.png` {local}. It shows {pictures} tuning images, each with its label above the
model's answer, red where they differ.
"""


def write_outputs(
    out: Path,
    info: CheckpointInfo,
    recipe: Recipe,
    progress: Progress,
    tuning: LabelledImages,
    probabilities: Probabilities,
) -> None:
    """Write `FILES`; those of an earlier stop of the same run are replaced.

    Args:
        out: folder of the run.
        info: what the checkpoint will say; `info.training` is there.
        recipe: with the overrides in it.
        progress: of the finished run.
        tuning: the images that stopped the training.
        probabilities: float32[N, K] of the finished model on `tuning`.

    Raises:
        ValueError: `info.training` is missing, as in a foreign model.
    """
    if info.training is None:
        raise ValueError("a foreign model has no training record")
    name = info.architecture
    scores = classify(tuning.targets, probabilities, tuning.labels)
    write_history(out, progress)
    write_model_card(out / "README.md", info, recipe, progress)
    save_figure(curves_figure(name, progress.history, progress.best_epoch), out / "curves")
    save_figure(confusion_figure({f"{name}, tuning images": scores}), out / "confusion")
    shown = _write_predictions(out / "predictions", name, tuning, probabilities, recipe.seed)
    text = TEXT.format(
        architecture=name,
        summary="\n".join(markdown_table(SUMMARY_COLUMNS, summary_rows({name: scores}))),
        classes="\n".join(classification_markdown(scores)),
        n=len(tuning),
        local=LOCAL,
        pictures=shown,
    )
    write_text_file(out / "report.md", text)
    document = _document(name, info.training, recipe, progress, tuning, scores)
    write_text_file(out / REPORT, json.dumps(document, indent=1, allow_nan=False) + "\n")


def _document(
    name: str,
    training: TrainingRecord,
    recipe: Recipe,
    progress: Progress,
    tuning: LabelledImages,
    scores: Classification,
) -> dict[str, Any]:
    """The report for machines; `conditions` are the same in runs that may be compared."""
    return {
        "schema_version": SCHEMA_VERSION,
        "architecture": name,
        "data": {"n": len(tuning), "sha256": tuning.sha256(), "subset": "tuning"},
        "selected_on_this_data": len(tuning),
        "conditions": {
            "recipe": recipe.model_dump(mode="json"),
            "overrides": training.overrides,
            "fitted": training.counts["fit"],
            "fitted_sha256": training.data_sha256,
            "votes_sha256": training.votes_sha256,
        },
        "epochs": progress.epoch,
        "best_epoch": progress.best_epoch,
        **classification_document(scores),
    }


def write_history(out: Path, progress: Progress) -> None:
    """Write `history.csv`: loss, accuracy and input size, a row for each epoch."""
    with whole_file(out / "history.csv") as temporary, temporary.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.DictWriter(stream, fieldnames=list(progress.history[0]))
        writer.writeheader()
        writer.writerows(progress.history)


def _write_predictions(path: Path, name: str, tuning: LabelledImages, probabilities: Probabilities, seed: int) -> int:
    """Draw some tuning images, the same for every network; returns how many."""
    chosen = balanced_sample(tuning.targets, min(PICTURES, len(tuning)), seed)
    pictures = []
    for i in chosen:
        label, answer = tuning.targets[i], int(probabilities[i].argmax())
        caption = f"{tuning.labels[label]}\n{tuning.labels[answer]} {probabilities[i, answer]:.0%}"
        pictures.append((tuning.image(int(i)), caption, bool(label == answer)))
    save_figure(predictions_figure(f"{name}: label, prediction. This {LOCAL}", pictures), path, formats=("png",))
    return len(pictures)
