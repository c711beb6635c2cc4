"""Percentiles of latencies, given only where there are enough samples for them."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

# Smallest n with P(Binomial(n, 1 - q) >= 2) >= 0.99: two samples beyond the percentile are all but certain.
SAMPLES_FOR_PERCENTILE = {50: 11, 90: 64, 95: 130, 99: 662}


def percentile_ms(samples_ns: npt.NDArray[np.int64], q: int) -> float | None:
    """Percentile `q` (50, 90, 95 or 99) of nanoseconds, in milliseconds; None when there are too few samples for it."""
    if len(samples_ns) < SAMPLES_FOR_PERCENTILE[q]:
        return None
    return float(np.percentile(samples_ns, q)) / 1e6
