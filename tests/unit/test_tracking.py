"""Numbers stay with their faces, labels do not flicker, boxes are canonical."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fer_edge.runtime.faces.box import Detection, Framing, overlap
from fer_edge.runtime.faces.smoothing import LabelSmoother
from fer_edge.runtime.faces.tracking import FaceTracker

FRAME_NS = 10**9 // 30


def face(x: float, y: float, side: float = 100) -> Detection:
    return Detection((x - side / 2, y - side / 2, side, side), 0.9)


def test_ids_stay_with_moving_faces_in_any_order() -> None:
    tracker = FaceTracker()
    random = np.random.default_rng(0)
    followed: dict[int, int] = {}
    for i in range(120):
        truth = [face(100 + 2 * i, 120), face(500 - 2 * i, 350), face(320, 240 + 40 * math.sin(i / 9))]
        order = [int(j) for j in random.permutation(3)]
        tracked = tracker.update([truth[j] for j in order], i * FRAME_NS)
        assert [t.track_id for t in tracked] == [1, 2, 3]
        followed = followed or dict(zip((1, 2, 3), order, strict=True))
        for t in tracked:
            assert overlap(t.box, truth[followed[t.track_id]].box) > 0.8


@pytest.mark.parametrize("seed", range(20))
def test_no_id_switch_when_two_faces_cross(seed: int) -> None:
    """For some frames at the crossing the detector sees one face only, as detectors merge boxes that overlap."""
    random = np.random.default_rng(seed)
    speed, height = random.uniform(3, 8), random.uniform(-25, 25)
    sides = random.uniform(80, 130, 2)
    tracker = FaceTracker()
    frames = int(480 / speed)
    for i in range(frames):
        noise = random.normal(0, 1.5, 4)
        one = face(80 + speed * i + noise[0], 240 + noise[1], sides[0])
        two = face(560 - speed * i + noise[2], 240 + height + noise[3], sides[1])
        found = [one] if overlap(one.box, two.box) > 0.3 else [one, two]
        tracked = tracker.update(found, i * FRAME_NS)
        if len(found) == 2:
            by_id = {t.track_id: t.box for t in tracked}
            assert overlap(by_id[1], one.box) > 0.5, i
            assert overlap(by_id[2], two.box) > 0.5, i


def test_a_face_out_of_sight_for_longer_gets_a_new_number() -> None:
    tracker = FaceTracker()
    assert tracker.update([face(100, 100)], 0)[0].track_id == 1
    assert tracker.update([], 5 * FRAME_NS) == ()
    assert tracker.update([face(102, 100)], 10 * FRAME_NS)[0].track_id == 1
    assert tracker.update([], 60 * FRAME_NS) == ()
    assert tracker.update([face(102, 100)], 61 * FRAME_NS)[0].track_id == 2


def test_between_detections_faces_move_on() -> None:
    tracker = FaceTracker()
    for i in range(30):
        tracker.update([face(100 + 4 * i, 100)], i * FRAME_NS)
    (predicted,) = tracker.predict(32 * FRAME_NS)
    assert predicted.box[0] + 50 == pytest.approx(100 + 4 * 32, abs=3)
    tracker.update([], 33 * FRAME_NS)
    assert tracker.predict(34 * FRAME_NS) == ()


def test_framings_agree_on_one_canonical_box() -> None:
    truth = (100.0, 80.0, 60.0, 60.0)
    own = (105.0, 92.0, 40.0, 60.0)  # of a detector that draws narrow boxes
    side = math.sqrt(40 * 60)
    framing = Framing((130 - 125) / side, (110 - 122) / side, 60 / side)
    assert framing.canonical(own) == pytest.approx(truth)


def noisy(truth: np.ndarray, seed: int) -> np.ndarray:
    """Probabilities of three labels around a true one, so noisy that the raw label changes often."""
    random = np.random.default_rng(seed)
    logits = np.eye(3)[truth] * 1.0 + random.normal(0, 0.9, (len(truth), 3))
    exponent = np.exp(logits)
    return np.asarray(exponent / exponent.sum(1, keepdims=True), np.float32)


def test_labels_change_at_least_five_times_less_often_than_raw() -> None:
    raw = noisy(np.zeros(300, int), 1)
    smoother = LabelSmoother()
    labels = [smoother.update(1, row, i * FRAME_NS).label for i, row in enumerate(raw)]
    raw_changes = int((np.diff(raw.argmax(1)) != 0).sum())
    assert raw_changes >= 20
    assert int((np.diff(labels) != 0).sum()) * 5 <= raw_changes


def test_a_true_change_shows_within_half_a_second() -> None:
    truth = np.repeat([0, 2], 60)
    raw = np.where(np.eye(3)[truth] > 0, 0.8, 0.1).astype(np.float32)
    smoother = LabelSmoother()
    labels = [smoother.update(1, row, i * FRAME_NS).label for i, row in enumerate(raw)]
    assert set(labels[:60]) == {0}
    assert (labels.index(2) - 60) / 30 <= 0.5


def test_the_smoother_reports_changes_and_departures() -> None:
    smoother = LabelSmoother(memory_s=0)
    assert smoother.update(7, np.array([0.9, 0.1], np.float32), 0).previous == -1
    changed = smoother.update(7, np.array([0.1, 0.9], np.float32), 10**9)
    assert (changed.previous, changed.label, changed.previous_s) == (0, 1, 1.0)
    assert smoother.update(7, np.array([0.1, 0.9], np.float32), 2 * 10**9).previous is None
    assert smoother.forget(3 * 10**9) == []
    assert smoother.forget(5 * 10**9) == [(7, 1, 1.0)]
