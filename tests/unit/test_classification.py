"""Scores class by class, pairs of models and the crowd: against scikit-learn, SciPy or figures by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import confusion_matrix as reference_confusion
from sklearn.metrics import f1_score, precision_recall_fscore_support

from fer_edge.data.folder import open_images
from fer_edge.data.votes import read_votes
from fer_edge.evaluation.calibration_error import Bin, reliability
from fer_edge.evaluation.classification import classify, confident_mistakes
from fer_edge.evaluation.crowd import rater_agreement, total_variation
from fer_edge.evaluation.markdown import markdown_table
from fer_edge.evaluation.pairs import compare_pairs
from fer_edge.evaluation.statistics import holm, mean_interval
from tests.support.fetched import FACES

LABELS = ("angry", "happy", "neutral", "sad")


def answers(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Unbalanced targets int64[n] and probabilities float32[n, 4] that are right most of the time."""
    random = np.random.default_rng(seed)
    targets = random.choice(4, n, p=[0.1, 0.4, 0.3, 0.2])
    probabilities = random.dirichlet(np.ones(4), n)
    probabilities[np.arange(n), targets] += 0.5
    return targets, (probabilities / probabilities.sum(axis=1, keepdims=True)).astype(np.float32)


def test_scores_are_scikit_learns() -> None:
    targets, probabilities = answers(400)
    predicted = probabilities.argmax(axis=1)
    found = classify(targets, probabilities, LABELS)
    assert found.confusion.tolist() == reference_confusion(targets, predicted).tolist()
    assert found.accuracy.value == pytest.approx(np.mean(targets == predicted))
    assert found.macro_f1.value == pytest.approx(f1_score(targets, predicted, average="macro"))
    assert found.weighted_f1.value == pytest.approx(f1_score(targets, predicted, average="weighted"))
    expected = np.transpose(precision_recall_fscore_support(targets, predicted))
    for scores, row in zip(found.per_class.values(), expected, strict=True):
        assert (scores.precision.value, scores.recall.value, scores.f1.value) == pytest.approx(tuple(row[:3]))
        assert scores.support == row[3]
        for estimate in (scores.precision, scores.recall, scores.f1):
            assert estimate.ci95.low < estimate.value < estimate.ci95.high


def test_class_intervals_are_those_of_resampled_images() -> None:
    targets, probabilities = answers(400)
    predicted, random = probabilities.argmax(axis=1), np.random.default_rng(1)
    picks = [random.integers(0, 400, 400) for _ in range(400)]
    resampled = [f1_score(targets[i], predicted[i], labels=[0], average=None)[0] for i in picks]
    interval = classify(targets, probabilities, LABELS).per_class["angry"].f1.ci95
    assert interval.low == pytest.approx(np.percentile(resampled, 2.5), abs=0.02)
    assert interval.high == pytest.approx(np.percentile(resampled, 97.5), abs=0.02)


def test_macro_f1_and_its_interval() -> None:
    random = np.random.default_rng(0)
    targets = random.integers(0, 5, 2000)
    predicted = np.where(random.random(2000) < 0.8, targets, random.integers(0, 5, 2000))
    found = classify(targets, np.eye(5, dtype=np.float32)[predicted], tuple("abcde")).macro_f1
    interval = found.ci95
    assert interval.low < found.value < interval.high
    resampled = [
        f1_score(targets[i], predicted[i], average="macro")
        for i in (random.integers(0, 2000, 2000) for _ in range(300))
    ]
    assert interval.low == pytest.approx(np.percentile(resampled, 2.5), abs=0.006)
    assert interval.high == pytest.approx(np.percentile(resampled, 97.5), abs=0.006)


def test_a_class_without_images_enters_no_mean() -> None:
    targets, probabilities = np.array([0, 0, 1, 1]), np.eye(4, dtype=np.float32)[[0, 2, 1, 1]]
    found = classify(targets, probabilities, LABELS)
    assert found.per_class["sad"].support == 0
    assert found.per_class["sad"].f1.value == 0
    assert found.macro_f1.value == pytest.approx((2 / 3 + 1) / 2)
    assert found.accuracy.value == 0.75
    assert classify(targets, np.eye(4, dtype=np.float32)[targets], LABELS).macro_f1.value == 1.0


def test_the_most_confident_mistakes_come_first() -> None:
    probabilities = np.array([[0.9, 0.1], [0.3, 0.7], [0.4, 0.6], [0.1, 0.9]], np.float32)
    found = confident_mistakes(("a", "b", "c", "d"), np.array([0, 0, 0, 0]), probabilities, ("x", "y"), count=2)
    assert [(m.path, m.label, m.predicted) for m in found] == [("d", "x", "y"), ("b", "x", "y")]
    assert found[0].confidence == pytest.approx(0.9)


def test_reliability_counts_what_is_in_a_bin() -> None:
    probabilities = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [1, 0]], np.float32)
    found = reliability(np.array([0, 1, 0, 0]), probabilities)
    assert [(b.n, b.accuracy) for b in found] == [(1, 1.0), (2, 0.5), (1, 1.0)]
    assert found[-1] == Bin(1, 1.0, 1.0)


def test_holm_by_hand() -> None:
    # 3 x 0.01; the larger of that and 2 x 0.03; the larger of that and 0.04
    assert holm([0.04, 0.01, 0.03]) == pytest.approx([0.06, 0.03, 0.06])
    assert holm([0.9, 0.8]) == [1.0, 1.0]
    assert holm([]) == []


def test_pairs_are_compared_on_the_same_images() -> None:
    targets = np.zeros(100, np.int64)
    worse = np.r_[np.ones(9, np.int64), np.zeros(91, np.int64)]
    better = np.r_[np.zeros(99, np.int64), np.ones(1, np.int64)]
    found = compare_pairs(targets, {"a": worse, "b": better, "c": better})
    assert [(p.first, p.second) for p in found] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert found[0].mcnemar_p == pytest.approx(0.021484375)
    assert found[0].holm_p == pytest.approx(3 * 0.021484375)
    assert found[0].delta_accuracy.value == pytest.approx(0.08)
    assert found[0].agreement == pytest.approx(0.90)
    assert found[2].mcnemar_p == found[2].holm_p == 1.0
    assert compare_pairs(targets, {"alone": better}) == ()


def test_mean_interval_is_scipys() -> None:
    values = np.random.default_rng(2).normal(0.5, 0.1, 50)
    interval = mean_interval(values)
    assert (interval.low, interval.high) == pytest.approx(stats.ttest_1samp(values, 0).confidence_interval())
    assert mean_interval(np.array([0.3])).high == 0.3


def test_one_rater_against_the_others() -> None:
    # 9 others, 7 of them for the label; 2 others, 1; a single vote says nothing; the label has no vote: nobody agrees
    counts = np.array([[8.0, 2, 0], [1, 2, 0], [1, 0, 0], [0, 3, 1]])
    found = rater_agreement(counts, np.array([0, 1, 0, 0]))
    assert found is not None
    assert found.value == pytest.approx((7 / 9 + 1 / 2 + 0) / 3)
    assert found.ci95.low == 0
    assert rater_agreement(counts[2:3], np.array([0])) is None


@pytest.mark.skipif(not FACES.is_file(), reason="needs the FER+ faces beside the checkout")
@pytest.mark.parametrize(("subset", "percent"), [("test", 85.6), ("train", 82.9)])
def test_one_rater_on_the_real_votes(subset: str, percent: float) -> None:
    images = open_images(f"{FACES}#{subset}", prefer=subset)
    votes = read_votes(FACES.with_name("ferplus5-votes.csv"), images)
    found = rater_agreement(votes.counts, images.targets)
    assert found is not None
    assert round(100 * found.value, 1) == percent


def test_distance_to_the_crowd_by_hand() -> None:
    shares = np.array([[0.8, 0.2, 0], [1, 0, 0]], np.float32)
    said = np.array([[0.5, 0.3, 0.2], [0, 1, 0]], np.float32)
    assert total_variation(shares, said).value == pytest.approx((0.3 + 1) / 2)
    assert total_variation(shares, shares).value == 0


def test_figures_are_complete_and_the_same_each_time(tmp_path: Path) -> None:
    from fer_edge.evaluation.figures import confusion_figure, reliability_figure, save_figure

    targets, probabilities = answers(50)
    found = classify(targets, probabilities, ("$a$", "b_c", "^", "d"))  # what mathematical text would stumble over
    for _ in range(2):
        save_figure(confusion_figure({"one": found, "two": found}), tmp_path / "confusion")
        content = (tmp_path / "confusion.svg").read_bytes()
    assert (tmp_path / "confusion.png").read_bytes()[:4] == b"\x89PNG"
    save_figure(confusion_figure({"one": found, "two": found}), tmp_path / "again")
    assert (tmp_path / "again.svg").read_bytes() == content
    save_figure(reliability_figure({"one": found}), tmp_path / "reliability", formats=("png",))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "again.png",
        "again.svg",
        "confusion.png",
        "confusion.svg",
        "reliability.png",
    ]


def test_a_pipe_stays_in_its_cell() -> None:
    assert markdown_table(["a"], [["x|y"]]) == ["| a |", "|---|", "| x\\|y |"]
