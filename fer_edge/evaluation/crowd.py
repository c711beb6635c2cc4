"""Models measured against several raters per image instead of one label."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_edge.evaluation.classification import Estimate, Probabilities
from fer_edge.evaluation.metrics import Floats, Labels
from fer_edge.evaluation.statistics import Interval, mean_interval


def rater_agreement(counts: Floats, targets: Labels) -> Estimate | None:
    """How often one human rater gives an image its label, beside which a model's accuracy may be put.

    A model above it does not beat people: it learned from many raters, is scored by most of many, and a rater is one.

    The label is the majority's, and every rater who gave it has helped to make it so. One of them is set aside, and
    the share of the others who gave the label is taken: (v - 1) / (n - 1) with v of n votes for it, in expectation
    over the rater who is asked. The mean is over images, each counting the same. Votes for anything but the labels
    are not among the n; ties cannot arise, for the label is the data's; an image with a single vote says nothing.

    Args:
        counts: float64[N, K], votes for each label.
        targets: int64[N], the data's labels.

    Returns:
        A fraction with its interval, or None where no image has two votes.
    """
    total = counts.sum(axis=1)
    given = counts[np.arange(len(targets)), targets]
    asked = total > 1
    if not asked.any():
        return None
    return _mean(np.maximum(given[asked] - 1, 0) / (total[asked] - 1))


def total_variation(shares: npt.NDArray[np.float32], probabilities: Probabilities) -> Estimate:
    """Mean distance between what the crowd and what the model says, 0 (the same) to 1 (nothing in common).

    Total variation, half the sum of |difference| over the labels: the largest difference between the probabilities
    that the two give to any set of labels (Levin, Peres and Wilmer, "Markov Chains and Mixing Times", proposition
    4.2). Unlike the Kullback-Leibler divergence it stays finite where one of them gives a label no chance.

    Args:
        shares: float32[N, K], rows summing to 1.
        probabilities: float32[N, K], rows summing to 1.
    """
    return _mean(np.abs(shares.astype(np.float64) - probabilities).sum(axis=1) / 2)


def _mean(values: Floats) -> Estimate:
    """Of values from 0 to 1, which the interval does not leave either."""
    interval = mean_interval(values)
    return Estimate(float(values.mean()), Interval(max(interval.low, 0.0), min(interval.high, 1.0)))
