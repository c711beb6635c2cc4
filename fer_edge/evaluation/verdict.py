"""What an interval allows to be said about a converted model."""

from __future__ import annotations

import math
from enum import Enum

from fer_edge.evaluation.statistics import Interval

MOST_IMAGES = 10_000_000


class Verdict(str, Enum):
    """The outcome of the accuracy gate."""

    NON_INFERIOR = "NON_INFERIOR"
    INFERIOR = "INFERIOR"
    INCONCLUSIVE = "INCONCLUSIVE"
    SELECTED_ON_THIS_DATA = "SELECTED_ON_THIS_DATA"


def decide(interval: Interval, margin: float) -> Verdict:
    """Judge the interval of (candidate - baseline) accuracy.

    Args:
        interval: as a fraction.
        margin: the loss that is still acceptable, as a fraction.
    """
    if interval.low > -margin:
        return Verdict.NON_INFERIOR
    return Verdict.INFERIOR if interval.high < -margin else Verdict.INCONCLUSIVE


def required_n(difference: float, interval: Interval, margin: float, n: int) -> int | None:
    """How many images a verdict would need if the difference stayed what it is.

    An interval shrinks with the square root of n; the verdict falls when its end passes the margin.

    Args:
        difference: candidate accuracy minus baseline accuracy on `n` images.
        interval: its 95% interval.
        margin: the acceptable loss, as a fraction.
        n: images in the comparison.

    Returns:
        The number of images, or None when it exceeds `MOST_IMAGES`: the difference sits on the margin.
    """
    distance = abs(difference + margin)
    reach = difference - interval.low if difference > -margin else interval.high - difference
    if distance < reach / math.sqrt(MOST_IMAGES / n):
        return None
    return max(n + 1, math.ceil(n * (reach / distance) ** 2))
