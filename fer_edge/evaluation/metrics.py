"""How often a classifier is right, and how often two of them say the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Labels = npt.NDArray[np.int64]
Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def agreement(first: Labels, second: Labels) -> float:
    """Fraction of images that get the same label from both; both arguments int64[N]."""
    return float(np.mean(first == second))


def confusion_matrix(targets: Labels, predicted: Labels, classes: int) -> Counts:
    """How many images of each class got each label: int64[K, K], a row per true class.

    Args:
        targets: int64[N].
        predicted: int64[N].
        classes: K, the number of labels.
    """
    counts = np.bincount(targets * classes + predicted, minlength=classes * classes)
    return counts.reshape(classes, classes).astype(np.int64)


def precision_recall_f1(confusions: Counts) -> tuple[Floats, Floats, Floats]:
    """Precision, recall and F1 of every class, each float64[..., K]; 0 where there is nothing to divide by.

    Args:
        confusions: int64[..., K, K], a row per true class.
    """
    right = np.diagonal(confusions, axis1=-2, axis2=-1)
    true, predicted = confusions.sum(axis=-1), confusions.sum(axis=-2)

    def share(part: Counts, whole: Counts) -> Floats:
        return np.divide(part, whole, out=np.zeros(part.shape), where=whole > 0)

    return share(right, predicted), share(right, true), share(2 * right, true + predicted)
