"""Intervals and tests, all at 95%, all seeded."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fer_edge.optional import require

RESAMPLES = 10_000
MOST_SAMPLES = 4_000
MOST_CELLS = 2**22
CONFIDENCE = 0.95
SEED = 0

Flags = npt.NDArray[np.bool_]
Samples = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Interval:
    """A two-sided 95% interval."""

    low: float
    high: float


def wilson_interval(successes: int, n: int) -> Interval:
    """Wilson's interval of a proportion, in fractions ("Probable inference", 1927).

    Args:
        successes: 0 to n.
        n: at least 1.
    """
    stats = require("scipy.stats", extra="benchmark")
    ci = stats.binomtest(successes, n).proportion_ci(CONFIDENCE, method="wilson")
    return Interval(float(ci.low), float(ci.high))


def mcnemar_p(baseline_correct: Flags, candidate_correct: Flags) -> float:
    """Exact two-sided McNemar test: are the losses and the gains of the candidate equally likely?

    McNemar, "Note on the sampling error of the difference between correlated proportions", 1947; exact by the binomial
    distribution of the losses.

    Args:
        baseline_correct: bool[N].
        candidate_correct: bool[N], the same images.

    Returns:
        The p-value, 0 to 1; 1 where nothing changed.
    """
    losses = int(np.sum(baseline_correct & ~candidate_correct))
    gains = int(np.sum(~baseline_correct & candidate_correct))
    if losses + gains == 0:
        return 1.0
    return float(require("scipy.stats", extra="benchmark").binomtest(losses, losses + gains).pvalue)


def accuracy_difference_interval(baseline_correct: Flags, candidate_correct: Flags, seed: int = SEED) -> Interval:
    """Paired-bootstrap interval of candidate accuracy minus baseline accuracy.

    Each image is a loss, a tie or a gain, so resampling images is drawing from a multinomial over the three. Half an
    image is added to each cell of the two-by-two table (Agresti and Min, "Simple improved confidence intervals for
    comparing matched proportions", 2005): without it, twenty images without a loss would prove that there are none.

    Args:
        baseline_correct: bool[N].
        candidate_correct: bool[N], the same images.
        seed: settles the resampling.

    Returns:
        Fractions, -1 to 1; a loss is negative.
    """
    n = len(baseline_correct)
    losses = np.sum(baseline_correct & ~candidate_correct)
    gains = np.sum(~baseline_correct & candidate_correct)
    shares = np.array([losses + 0.5, n - losses - gains + 1, gains + 0.5]) / (n + 2)
    draws = np.random.default_rng(seed).multinomial(n, shares, size=RESAMPLES)
    return _percentile_interval((draws[:, 2] - draws[:, 0]) / n)


def mean_interval(values: Floats) -> Interval:
    """Student's t interval of the mean of independent `values`, float64[N]; a single one has no width to show."""
    mean, n = float(np.mean(values)), len(values)
    if n < 2:
        return Interval(mean, mean)
    stats = require("scipy.stats", extra="benchmark")
    reach = float(stats.t.ppf((1 + CONFIDENCE) / 2, n - 1) * np.std(values, ddof=1) / np.sqrt(n))
    return Interval(mean - reach, mean + reach)


def confusion_intervals(
    confusion: Samples, statistics: Callable[[Samples], Floats], seed: int = SEED
) -> list[Interval]:
    """Bootstrap intervals of figures that follow from a confusion matrix.

    Resampling images is drawing from a multinomial over the matrix's cells.

    Args:
        confusion: int64[K, K].
        statistics: takes int64[R, K, K] and returns float64[R, M].
        seed: settles the resampling.

    Returns:
        M intervals.
    """
    classes, n = len(confusion), int(confusion.sum())
    random, parts = np.random.default_rng(seed), []
    size = max(1, MOST_CELLS // classes**2)
    for start in range(0, RESAMPLES, size):
        count = min(size, RESAMPLES - start)
        draws = random.multinomial(n, confusion.ravel() / n, size=count)
        parts.append(statistics(draws.reshape(count, classes, classes)))
    return [_percentile_interval(values) for values in np.concatenate(parts).T]


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values so that the chance of a single false discovery among all stays below each level.

    Holm, "A simple sequentially rejective multiple test procedure", 1979. It holds whatever the dependence between the
    tests, and pairs of models that share a model and all images are dependent.

    Args:
        p_values: 0 to 1, in any order.

    Returns:
        As many, in the same order, none below its own.
    """
    order = np.argsort(p_values, kind="stable")
    scaled = np.asarray(p_values)[order] * np.arange(len(order), 0, -1)
    adjusted = np.empty(len(order))
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1)
    return [float(p) for p in adjusted]


def median_ratio_interval(numerator: Sequence[Samples], denominator: Sequence[Samples], seed: int = SEED) -> Interval:
    """Bootstrap interval of median(numerator) / median(denominator) when rounds of blocks are resampled.

    Samples of one block share the machine's state of that moment; only rounds are independent, and the two blocks of
    a round stay together. Ten rounds are few: the percentiles are taken further out, as a t distribution is wider
    than a normal one (the expanded percentile interval of Hesterberg, "What Teachers Should Know About the Bootstrap",
    2015).

    Args:
        numerator: one int64[n] per round; n may differ.
        denominator: one int64[m] per round, the same rounds.
        seed: settles the resampling.
    """
    rounds = len(numerator)
    stats = require("scipy.stats", extra="benchmark")
    tail = (1 - CONFIDENCE) / 2
    tail = float(stats.norm.cdf(stats.t.ppf(tail, rounds - 1) * np.sqrt(rounds / (rounds - 1))))
    weights = np.random.default_rng(seed).multinomial(rounds, np.full(rounds, 1 / rounds), size=RESAMPLES)
    return _percentile_interval(_weighted_medians(numerator, weights) / _weighted_medians(denominator, weights), tail)


def _weighted_medians(blocks: Sequence[Samples], weights: Samples) -> Floats:
    """Median of the pooled blocks for each row of `weights` (int64[R, blocks], how often each block counts)."""
    blocks = _thinned(blocks)
    values = np.concatenate(blocks)
    owner = np.repeat(np.arange(len(blocks)), [len(b) for b in blocks])
    order = np.argsort(values, kind="stable")
    values, owner = values[order].astype(np.float64), owner[order]
    medians = np.empty(len(weights))
    for start in range(0, len(weights), 500):
        part = slice(start, start + 500)
        reached = np.cumsum(weights[part][:, owner], axis=1)
        total = reached[:, -1:]
        low, high = (np.argmax(2 * reached >= total + extra, axis=1) for extra in (0, 1))
        medians[part] = (values[low] + values[high]) / 2
    return medians


def _thinned(blocks: Sequence[Samples]) -> list[Samples]:
    """Every k-th order statistic of each block, so that the cost does not grow with the seconds measured."""
    step = -(-sum(len(b) for b in blocks) // MOST_SAMPLES)
    return [np.sort(b)[min(step // 2, len(b) - 1) :: step] for b in blocks]


def _percentile_interval(values: Floats, tail: float = (1 - CONFIDENCE) / 2) -> Interval:
    low, high = np.quantile(values, [tail, 1 - tail])
    return Interval(float(low), float(high))
