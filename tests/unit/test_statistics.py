from __future__ import annotations

import time

import numpy as np
import pytest
from scipy import stats

from fer_edge.evaluation.calibration_error import expected_calibration_error
from fer_edge.evaluation.metrics import agreement
from fer_edge.evaluation.results import LatencyResult
from fer_edge.evaluation.statistics import (
    accuracy_difference_interval,
    mcnemar_p,
    median_ratio_interval,
    wilson_interval,
)
from fer_edge.percentiles import SAMPLES_FOR_PERCENTILE


def paired(losses: int, gains: int, n: int) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.ones(n, bool), np.ones(n, bool)
    second[:losses] = False
    first[losses : losses + gains] = False
    return first, second


def test_wilson_known_value() -> None:
    # z = 1.959964: (p + z2/2n -+ z sqrt(p(1-p)/n + z2/4n2)) / (1 + z2/n) for 15 of 50
    interval = wilson_interval(15, 50)
    assert interval.low == pytest.approx(0.1910, abs=1e-4)
    assert interval.high == pytest.approx(0.4375, abs=1e-4)


def test_mcnemar_known_value() -> None:
    assert mcnemar_p(*paired(1, 9, 100)) == pytest.approx(0.021484375)
    assert mcnemar_p(*paired(0, 0, 100)) == 1.0


def test_mcnemar_is_the_binomial_test() -> None:
    assert mcnemar_p(*paired(7, 19, 400)) == pytest.approx(stats.binomtest(7, 26).pvalue)


def test_difference_interval_agrees_with_scipys_paired_bootstrap() -> None:
    first, second = paired(90, 45, 3000)
    ours = accuracy_difference_interval(first, second)
    reference = stats.bootstrap(
        (second.astype(float) - first,), np.mean, n_resamples=4000, method="percentile", rng=np.random.default_rng(1)
    ).confidence_interval
    assert ours.low == pytest.approx(reference.low, abs=6e-4)
    assert ours.high == pytest.approx(reference.high, abs=6e-4)


def test_difference_interval_covers_the_truth_in_nineteen_of_twenty_cases() -> None:
    random = np.random.default_rng(3)
    covered = 0
    for _ in range(300):
        outcome = random.choice([-1, 0, 1], size=500, p=[0.05, 0.92, 0.03])
        interval = accuracy_difference_interval(outcome != 1, outcome != -1)
        covered += interval.low <= -0.02 <= interval.high
    assert covered / 300 > 0.92


def test_few_images_without_a_loss_prove_little() -> None:
    interval = accuracy_difference_interval(*paired(0, 0, 20))
    assert interval.low < -0.03
    assert accuracy_difference_interval(*paired(0, 0, 3000)).low > -0.002


def test_difference_interval_is_seeded_and_fast() -> None:
    pair = paired(90, 45, 100_000)
    start = time.perf_counter()
    assert accuracy_difference_interval(*pair) == accuracy_difference_interval(*pair)
    assert time.perf_counter() - start < 2


def test_agreement() -> None:
    assert agreement(np.array([0, 1, 2, 3]), np.array([0, 1, 2, 0])) == 0.75


def test_calibration_error_known_value() -> None:
    # bin of 0.9: right in one of two, |0.5 - 0.9|; bin of 0.6: right in two of two, |1 - 0.6|
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]], np.float32)
    targets = np.array([0, 1, 0, 0])
    assert expected_calibration_error(targets, probabilities) == pytest.approx(0.4, abs=1e-6)
    assert expected_calibration_error(np.array([0, 1]), np.eye(2, dtype=np.float32)) == 0.0


def test_median_ratio_interval_holds_the_ratio_of_what_was_sampled() -> None:
    random = np.random.default_rng(5)
    slow = [random.normal(20e6, 1e6, 40).astype(np.int64) for _ in range(10)]
    fast = [random.normal(2e6, 1e5, 400).astype(np.int64) for _ in range(10)]
    interval = median_ratio_interval(slow, fast)
    ratio = np.median(np.concatenate(slow)) / np.median(np.concatenate(fast))
    assert interval.low < ratio < interval.high
    assert interval.high - interval.low < 0.3


def test_median_ratio_interval_covers_the_truth_in_nineteen_of_twenty_cases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fer_edge.evaluation.statistics.RESAMPLES", 1000)
    random = np.random.default_rng(8)
    covered = 0
    for _ in range(150):
        pace = 1 + random.normal(0, 0.03, (2, 10))
        slow = [(random.normal(20e6, 1e6, 30) * p).astype(np.int64) for p in pace[0]]
        fast = [(random.normal(2e6, 1e5, 60) * p).astype(np.int64) for p in pace[1]]
        interval = median_ratio_interval(slow, fast)
        covered += interval.low <= 10 <= interval.high
    assert covered / 150 > 0.92


def test_median_ratio_interval_knows_that_samples_of_a_round_belong_together() -> None:
    random = np.random.default_rng(6)
    pace = random.uniform(1, 3, 10)
    first = [np.full(50, int(2e6 * p)) for p in pace]
    second = [np.full(200, int(1e6 * p)) for p in pace]
    assert median_ratio_interval(first, second).low == pytest.approx(2, rel=1e-3)
    alone = median_ratio_interval(first, [np.full(200, 1_000_000)] * 10)
    assert alone.high / alone.low > 1.2


def test_weighted_median_is_numpys_median_of_the_pool() -> None:
    random = np.random.default_rng(7)
    blocks = [random.integers(1, 100, size) for size in (3, 4, 6, 2)]
    one = [np.array([1])] * 4
    weights = np.random.default_rng(0).multinomial(4, np.full(4, 0.25), size=10_000)
    pooled = [np.median(np.concatenate([np.tile(b, w) for b, w in zip(blocks, row, strict=True)])) for row in weights]
    tail = stats.norm.cdf(stats.t.ppf(0.025, 3) * np.sqrt(4 / 3))  # expanded for four rounds
    interval = median_ratio_interval(blocks, one, seed=0)
    assert (interval.low, interval.high) == pytest.approx(tuple(np.quantile(pooled, [tail, 1 - tail])))


@pytest.mark.parametrize("q", [50, 90, 95, 99])
def test_percentile_needs_two_samples_beyond_it_with_certainty(q: int) -> None:
    n = SAMPLES_FOR_PERCENTILE[q]
    assert stats.binom.sf(1, n, 1 - q / 100) >= 0.99 > stats.binom.sf(1, n - 1, 1 - q / 100)
    assert LatencyResult((np.ones(n, np.int64),)).percentile_ms(q) == pytest.approx(1e-6)
    assert LatencyResult((np.ones(n - 1, np.int64),)).percentile_ms(q) is None
