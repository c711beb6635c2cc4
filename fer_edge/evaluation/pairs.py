"""Models against each other on the same images."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import dataclass

from fer_edge.evaluation.classification import Estimate, accuracy_change
from fer_edge.evaluation.metrics import Labels, agreement
from fer_edge.evaluation.statistics import holm, mcnemar_p


@dataclass(frozen=True)
class Pair:
    """Two models.

    Attributes:
        delta_accuracy: accuracy of the second minus that of the first, fraction, with its paired interval.
        mcnemar_p: exact, two-sided, of this pair alone.
        holm_p: the same, corrected for the number of pairs (see `holm`).
        agreement: fraction of images with the same label from both.
    """

    first: str
    second: str
    delta_accuracy: Estimate
    mcnemar_p: float
    holm_p: float
    agreement: float


def compare_pairs(targets: Labels, predicted: Mapping[str, Labels]) -> tuple[Pair, ...]:
    """Compare every two models.

    Args:
        targets: int64[N].
        predicted: model -> int64[N], the same images.
    """
    right = {name: labels == targets for name, labels in predicted.items()}
    chosen = list(itertools.combinations(predicted, 2))
    p_values = [mcnemar_p(right[a], right[b]) for a, b in chosen]
    return tuple(
        Pair(
            first=a,
            second=b,
            delta_accuracy=accuracy_change(right[a], right[b]),
            mcnemar_p=p,
            holm_p=adjusted,
            agreement=agreement(predicted[a], predicted[b]),
        )
        for (a, b), p, adjusted in zip(chosen, p_values, holm(p_values), strict=True)
    )
