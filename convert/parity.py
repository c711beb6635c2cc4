"""How far an artifact's outputs are from the full-precision model's."""

from __future__ import annotations

import numpy as np

from fer_edge.errors import FerEdgeError
from fer_edge.manifest import Parity, Precision
from fer_edge.runtime.backends.base import Probabilities

FLOAT_LIMIT = {Precision.FP32: 1e-3, Precision.FP16: 5e-2}


def compare(baseline: Probabilities, candidate: Probabilities) -> Parity:
    """Compare probabilities, float32[N, K] each, of the same images."""
    difference = np.abs(baseline.astype(np.float64) - candidate)
    noise = float(np.square(difference).sum())
    signal = float(np.square(baseline.astype(np.float64)).sum())
    return Parity(
        count=len(baseline),
        agreement=float((baseline.argmax(1) == candidate.argmax(1)).mean()),
        max_probability_difference=min(float(difference.max()), 1.0),
        mean_probability_difference=min(float(difference.mean()), 1.0),
        sqnr_db=10 * float(np.log10(signal / noise)) if noise > 0 else None,
    )


def check(baseline: Probabilities, candidate: Probabilities, precision: Precision) -> Parity:
    """Compare, and refuse an artifact that cannot be right.

    Raises:
        FerEdgeError: non-finite outputs; the same output or the same label for every image where the baseline
            distinguishes them; a float artifact that is not the same function.
    """
    if not np.isfinite(candidate).all():
        raise FerEdgeError("the converted model gives outputs that are not finite")
    spread = float(candidate.std(axis=0).max())
    if spread < 1e-4 < float(baseline.std(axis=0).max()):
        raise FerEdgeError(f"the converted model gives the same output for all {len(candidate)} images")
    minority = 1 - np.bincount(baseline.argmax(1)).max() / len(baseline)
    if minority >= 0.05 and len(np.unique(candidate.argmax(1))) == 1:
        raise FerEdgeError(
            f"the converted model gives one label for all images; the baseline gives others for {minority:.0%} of them"
        )
    parity = compare(baseline, candidate)
    limit = FLOAT_LIMIT.get(precision)
    if limit is not None and parity.max_probability_difference > limit:
        raise FerEdgeError(
            f"the {precision.value} model differs from the baseline by {parity.max_probability_difference:.4f} "
            f"(limit {limit})"
        )
    return parity
