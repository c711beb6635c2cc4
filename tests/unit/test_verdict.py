from __future__ import annotations

import numpy as np
import pytest

from fer_edge.evaluation.statistics import Interval, accuracy_difference_interval
from fer_edge.evaluation.verdict import Verdict, decide, required_n


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (-0.009, 0.002, Verdict.NON_INFERIOR),
        (0.001, 0.02, Verdict.NON_INFERIOR),
        (-0.01, 0.01, Verdict.INCONCLUSIVE),
        (-0.02, -0.005, Verdict.INCONCLUSIVE),
        (-0.05, -0.01, Verdict.INCONCLUSIVE),
        (-0.05, -0.0101, Verdict.INFERIOR),
    ],
)
def test_interval_and_margin_decide(low: float, high: float, verdict: Verdict) -> None:
    assert decide(Interval(low, high), 0.01) is verdict


@pytest.mark.parametrize(("losses", "gains"), [(12, 10), (20, 5), (16, 2)])
def test_required_n_decides(losses: int, gains: int) -> None:
    n = 800
    needed = required_n((gains - losses) / n, interval(losses, gains, n), 0.01, n)
    assert needed is not None
    assert decide(interval(losses, gains, n), 0.01) is Verdict.INCONCLUSIVE
    factor = 1.1 * needed / n
    larger = interval(round(losses * factor), round(gains * factor), round(n * factor))
    assert decide(larger, 0.01) is not Verdict.INCONCLUSIVE


def test_no_number_decides_on_the_margin() -> None:
    assert required_n(-0.01, Interval(-0.02, 0.0), 0.01, 1000) is None


def interval(losses: int, gains: int, n: int) -> Interval:
    first, second = np.ones(n, bool), np.ones(n, bool)
    second[:losses] = False
    first[losses : losses + gains] = False
    return accuracy_difference_interval(first, second)
