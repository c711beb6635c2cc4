"""Whether a confidence of 80% is right in 80% of the cases."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

BINS = 15


def expected_calibration_error(targets: npt.NDArray[np.int64], probabilities: npt.NDArray[np.float32]) -> float:
    """Expected calibration error of the top-1 confidence, 15 equal-width bins (Guo et al. 2017).

    Args:
        targets: int64[N].
        probabilities: float32[N, K], rows summing to 1.

    Returns:
        The mean over images of |accuracy - confidence| of their bin, 0-1.
    """
    confidence = probabilities.max(axis=1).astype(np.float64)
    correct = probabilities.argmax(axis=1) == targets
    bins = np.clip(np.ceil(confidence * BINS).astype(np.int64) - 1, 0, BINS - 1)
    gaps = np.bincount(bins, weights=correct - confidence, minlength=BINS)
    return float(np.abs(gaps).sum() / len(targets))
