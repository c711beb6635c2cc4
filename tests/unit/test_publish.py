"""The model cards of the zoo."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest

from benchmarks.publish import RESULTS, card_of, check, figure, percent
from fer_edge.checkpoint import file_sha256
from fer_edge.models import CARD, ZOO

ESTIMATE = {"value": 0.5, "ci95": [0.4, 0.6]}
CARDS = sorted(ZOO.glob(f"*/{CARD}"))


def test_a_card_names_figures_origin_and_the_weakest_class() -> None:
    scores = {"happy": ESTIMATE, "sad": {"value": 0.25, "ci95": [0.2, 0.3]}}
    model = {
        "name": "runs/it.keras",
        **dict.fromkeys(("accuracy", "macro_f1", "weighted_f1"), ESTIMATE),
        "sha256": "cd" * 32,
        "per_class": {
            label: {**dict.fromkeys(("precision", "recall", "f1"), estimate), "support": 3}
            for label, estimate in scores.items()
        },
        "ece": 0.0123,
    }
    votes = {"rater_agreement": ESTIMATE, "total_variation": {"runs/it.keras": ESTIMATE}}
    change = {"value": -0.25, "ci95": [-0.3, -0.2]}
    trouble = [{"corruption": "blur 3%", "models": [{"accuracy": ESTIMATE, "delta_accuracy": change}]}]
    report = {"data": {"n": 7, "sha256": "ab" * 32}, "models": [model], "votes": votes, "robustness": trouble}
    card = card_of("it", report, "0123abc")
    for text in (
        "| accuracy | 50.0% [40.0%, 60.0%] |",
        "| F1 of sad (3 faces) | 0.250 [0.200, 0.300] |",
        "| Recall of happy (3 faces) | 0.500 [0.400, 0.600] |",
        f"`it.keras` (SHA-256 `{'cd' * 32}`)",
        "| expected calibration error, 15 bins | 0.012 |",
        "| blur 3% | 50.0% | -25.0 [-30.0, -20.0] |",
        "at commit `0123abc`",
        "`benchmarks/results/reference/it.json`",
        "Sad is the weakest class",
    ):
        assert text in card


@pytest.mark.parametrize("card", CARDS, ids=[card.parent.name for card in CARDS])
def test_the_cards_in_the_zoo_say_what_was_measured(card: Path) -> None:
    text = card.read_text(encoding="utf-8")
    report = json.loads((RESULTS / f"{card.parent.name}.json").read_text(encoding="utf-8"))
    [model] = report["models"]
    assert f"| accuracy | {percent(model['accuracy'])} |" in text
    assert f"| macro-F1 | {figure(model['macro_f1'])} |" in text
    for heading in ("Intended use", "Not for", "Limits", "On the test faces", "Where it comes from", "Bias"):
        assert f"## {heading}\n" in text
    for figure_file in ("curves.svg", "confusion.svg"):
        assert (card.parent / figure_file).is_file()


def test_another_model_s_evaluation_is_refused(tiny_artifacts: Path) -> None:
    checkpoint = tiny_artifacts / "tiny.keras"
    report = {"models": [{"name": "tiny.keras", "sha256": file_sha256(checkpoint)}], "votes": {}, "robustness": []}
    check(checkpoint, report)
    for other in (
        {**report, "models": [{"name": "tiny.keras", "sha256": "ab" * 32}]},
        {**report, "models": [{"name": "tiny.keras"}]},
        {key: value for key, value in report.items() if key != "votes"},
    ):
        with pytest.raises(click.ClickException, match="of another checkpoint"):
            check(checkpoint, other)
