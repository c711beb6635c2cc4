"""How often a classifier is right, and how often two of them say the same."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_edge.optional import require

Labels = npt.NDArray[np.int64]


def accuracy(targets: Labels, predicted: Labels) -> float:
    """Fraction of images with the right label; both arguments int64[N]."""
    return float(np.mean(targets == predicted))


def macro_f1(targets: Labels, predicted: Labels) -> float:
    """Mean F1 over the classes that occur in `targets`; both arguments int64[N]."""
    score = require("sklearn.metrics", extra="benchmark").f1_score
    return float(score(targets, predicted, labels=np.unique(targets), average="macro", zero_division=0))


def agreement(first: Labels, second: Labels) -> float:
    """Fraction of images that get the same label from both; both arguments int64[N]."""
    return float(np.mean(first == second))
