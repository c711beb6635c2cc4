"""How well one model tells the classes apart, class by class."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_edge.evaluation.calibration_error import Bin, expected_calibration_error, reliability
from fer_edge.evaluation.metrics import Counts, Floats, Labels, confusion_matrix, precision_recall_f1
from fer_edge.evaluation.statistics import (
    Interval,
    accuracy_difference_interval,
    confusion_intervals,
    wilson_interval,
)

MISTAKES = 10

Probabilities = npt.NDArray[np.float32]
Rights = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Estimate:
    """A figure with its 95% interval."""

    value: float
    ci95: Interval


def accuracy_estimate(right: Rights) -> Estimate:
    """Fraction of images that were classified rightly (bool[N]), with Wilson's interval."""
    count = int(right.sum())
    return Estimate(count / len(right), wilson_interval(count, len(right)))


def accuracy_change(before: Rights, after: Rights) -> Estimate:
    """Accuracy afterwards minus accuracy before, bool[N] of the same images, with its paired interval."""
    return Estimate(float(after.mean() - before.mean()), accuracy_difference_interval(before, after))


@dataclass(frozen=True)
class ClassScores:
    """One class; intervals from the bootstrap.

    Attributes:
        support: images of this class. Without any, recall and F1 are 0 and enter no mean.
    """

    precision: Estimate
    recall: Estimate
    f1: Estimate
    support: int


@dataclass(frozen=True)
class Classification:
    """One model on one set of images.

    Attributes:
        accuracy: fraction, with Wilson's interval.
        macro_f1: mean F1 over the classes that occur, with its bootstrap interval.
        weighted_f1: the same, weighted with the classes' images.
        per_class: label -> scores, in the order of `confusion`.
        ece: expected calibration error, 0-1.
        reliability: what a reliability diagram shows.
        confusion: int64[K, K], a row per true class.
    """

    accuracy: Estimate
    macro_f1: Estimate
    weighted_f1: Estimate
    per_class: Mapping[str, ClassScores]
    ece: float
    reliability: tuple[Bin, ...]
    confusion: Counts

    @property
    def labels(self) -> tuple[str, ...]:
        """In the order of `confusion`."""
        return tuple(self.per_class)

    @property
    def n(self) -> int:
        """Number of images."""
        return int(self.confusion.sum())


def classify(targets: Labels, probabilities: Probabilities, labels: Sequence[str]) -> Classification:
    """Score a model's predictions.

    Args:
        targets: int64[N], index into `labels`.
        probabilities: float32[N, K], rows summing to 1.
        labels: the K class names.
    """
    confusion = confusion_matrix(targets, probabilities.argmax(axis=1), len(labels))
    support = confusion.sum(axis=1)
    values = _figures(confusion[None], support > 0)[0]
    intervals = confusion_intervals(confusion, lambda draws: _figures(draws, support > 0))
    macro, weighted, *rest = (Estimate(float(v), i) for v, i in zip(values, intervals, strict=True))
    k = len(labels)
    by_class = zip(labels, rest[:k], rest[k : 2 * k], rest[2 * k :], support.tolist(), strict=True)
    return Classification(
        accuracy=accuracy_estimate(probabilities.argmax(axis=1) == targets),
        macro_f1=macro,
        weighted_f1=weighted,
        per_class={label: ClassScores(p, r, f1, n) for label, p, r, f1, n in by_class},
        ece=expected_calibration_error(targets, probabilities),
        reliability=reliability(targets, probabilities),
        confusion=confusion,
    )


def _figures(confusions: Counts, present: npt.NDArray[np.bool_]) -> Floats:
    """float64[R, 2 + 3 K] of int64[R, K, K]: macro-F1, weighted F1, then precision, recall and F1 of every class."""
    precision, recall, f1 = precision_recall_f1(confusions)
    support = confusions.sum(axis=2)
    macro = f1[:, present].mean(axis=1)
    weighted = (f1 * support).sum(axis=1) / support.sum(axis=1)
    return np.column_stack([macro, weighted, precision, recall, f1])


@dataclass(frozen=True)
class Mistake:
    """An image that got the wrong label.

    Attributes:
        path: as the data names the image.
        label: what it shows.
        predicted: what the model said.
        confidence: the probability of `predicted`, 0-1.
    """

    path: str
    label: str
    predicted: str
    confidence: float


def confident_mistakes(
    names: Sequence[str], targets: Labels, probabilities: Probabilities, labels: Sequence[str], count: int = MISTAKES
) -> tuple[Mistake, ...]:
    """The wrong answers of which the model was surest, the surest first: there wrong labels of the data hide too.

    Args:
        names: path of each image.
        targets: int64[N].
        probabilities: float32[N, K].
        labels: the K class names.
        count: how many at most.
    """
    predicted, confidence = probabilities.argmax(axis=1), probabilities.max(axis=1)
    wrong = np.flatnonzero(predicted != targets)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")][:count]
    return tuple(Mistake(names[i], labels[targets[i]], labels[predicted[i]], float(confidence[i])) for i in surest)
