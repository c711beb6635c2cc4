"""Whether a confidence of 80% is right in 80% of the cases."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BINS = 15


@dataclass(frozen=True)
class Bin:
    """The images whose top-1 confidence lies in one of 15 equal parts of 0-1.

    Attributes:
        n: their number, at least 1.
        confidence: their mean confidence, 0-1.
        accuracy: fraction of them with the right label.
    """

    n: int
    confidence: float
    accuracy: float


def reliability(targets: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> tuple[Bin, ...]:
    """Accuracy against confidence: a reliability diagram's bars, from low to high confidence, without empty ones.

    Args:
        targets: int64[N].
        probabilities: float32[N, K], rows summing to 1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == targets
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    members = [np.flatnonzero(bins == b) for b in range(BINS)]
    return tuple(Bin(len(m), float(confidence[m].mean()), float(correct[m].mean())) for m in members if len(m))


def expected_calibration_error(targets: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> float:
    """Expected calibration error of the top-1 confidence (Guo et al. 2017).

    Args:
        targets: int64[N].
        probabilities: float32[N, K], rows summing to 1.

    Returns:
        The mean over images of |accuracy - confidence| of their bin, 0-1.
    """
    return sum(b.n * abs(b.accuracy - b.confidence) for b in reliability(targets, probabilities)) / len(targets)
