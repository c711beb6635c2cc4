"""One model's scores for machines (JSON) and for people (rows of a table)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from fer_edge.evaluation.classification import Classification, Estimate
from fer_edge.evaluation.markdown import markdown_table
from fer_edge.evaluation.statistics import Interval

SUMMARY_COLUMNS = ("Model", "Accuracy % [95% CI]", "Macro-F1 % [CI]", "Weighted F1 % [CI]", "ECE")
CLASS_COLUMNS = ("Class", "Precision % [95% CI]", "Recall % [CI]", "F1 % [CI]", "Images")

Document = dict[str, Any]


def classification_document(result: Classification) -> Document:
    """Fractions; `confusion` has a row per true class, in the order of `per_class`."""
    return {
        "accuracy": estimate_document(result.accuracy),
        "macro_f1": estimate_document(result.macro_f1),
        "weighted_f1": estimate_document(result.weighted_f1),
        "per_class": {
            label: {
                "precision": estimate_document(scores.precision),
                "recall": estimate_document(scores.recall),
                "f1": estimate_document(scores.f1),
                "support": scores.support,
            }
            for label, scores in result.per_class.items()
        },
        "ece": result.ece,
        "confusion": result.confusion.tolist(),
    }


def estimate_document(estimate: Estimate) -> Document:
    """A value with its interval."""
    return {"value": estimate.value, "ci95": [estimate.ci95.low, estimate.ci95.high]}


def summary_rows(results: Mapping[str, Classification]) -> list[list[str]]:
    """A row per model, for `SUMMARY_COLUMNS`."""
    return [
        [name, percent(r.accuracy), percent(r.macro_f1), percent(r.weighted_f1), f"{r.ece:.3f}"]
        for name, r in results.items()
    ]


def class_rows(result: Classification) -> list[list[str]]:
    """A row per class, for `CLASS_COLUMNS`."""
    return [
        [label, percent(s.precision), percent(s.recall), percent(s.f1), str(s.support)]
        for label, s in result.per_class.items()
    ]


def classification_markdown(result: Classification) -> list[str]:
    """The classes' scores and the confusion matrix, as lines."""
    confusion = [
        [label, *(str(n) for n in row)] for label, row in zip(result.labels, result.confusion.tolist(), strict=True)
    ]
    return [
        *markdown_table(CLASS_COLUMNS, class_rows(result)),
        "",
        *markdown_table(("Label \\ predicted", *result.labels), confusion),
    ]


def percent(estimate: Estimate) -> str:
    """In percent, with its interval."""
    return f"{100 * estimate.value:.1f} {interval(estimate.ci95, 100)}"


def interval(bounds: Interval, factor: float = 1, form: str = ".1f") -> str:
    """An interval in brackets, times `factor`."""
    return f"[{factor * bounds.low:{form}}, {factor * bounds.high:{form}}]"
