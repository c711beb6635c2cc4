"""One suite for every face detector that this machine can open."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer_edge.errors import EnvironmentFailure, UsageError
from fer_edge.preprocess import Image
from fer_edge.runtime.faces import DETECTORS, TAKES_FILE, FaceDetector, open_default_detector, open_detector
from fer_edge.runtime.faces.blazeface import _merge
from fer_edge.runtime.faces.box import Detection, overlap
from fer_edge.synthetic import face


@pytest.fixture(params=[name for name in DETECTORS if name not in TAKES_FILE])
def detector(request: pytest.FixtureRequest) -> FaceDetector:
    try:
        return open_detector(request.param)
    except EnvironmentFailure as error:
        pytest.skip(f"{error.message}. {error.remedy}")


def scene(*faces: tuple[int, int, int], size: tuple[int, int] = (640, 480)) -> Image:
    """Drawn faces (left, top, side) before a plain wall."""
    frame = np.full((size[1], size[0], 3), 150, np.uint8)
    for number, (left, top, side) in enumerate(faces):
        head = face("neutral", np.random.default_rng((0, number)), side)
        frame[top : top + side, left : left + side] = head
    return frame


@pytest.mark.parametrize("size", [(640, 480), (480, 640), (64, 48), (1, 1), (2000, 30)])
def test_any_frame_gives_boxes_and_scores(detector: FaceDetector, size: tuple[int, int]) -> None:
    found = detector.detect(np.random.default_rng(0).integers(0, 255, (size[1], size[0], 3), np.uint8))
    for detection in found:
        assert isinstance(detection, Detection)
        assert detection.box[2] > 0
        assert detection.box[3] > 0
        assert 0 <= detection.score <= 1


def test_blazeface_finds_drawn_faces_where_they_are() -> None:
    try:
        detector = open_detector("blazeface")
    except EnvironmentFailure as error:
        pytest.skip(f"{error.message}. {error.remedy}")
    places = ((60, 90, 180), (380, 200, 200))
    found = detector.detect(scene(*places))
    assert len(found) == 2
    for left, top, side in places:
        assert max(overlap(d.box, (left, top, side, side)) for d in found) > 0.5
    assert detector.detect(scene()) == []
    wide = np.asarray(cv2.resize(scene(*places), (1280, 960)), np.uint8)
    for small, large in zip(found, detector.detect(wide), strict=True):
        assert np.abs(np.array(large.box) / 2 - small.box).max() < 12


def test_boxes_of_one_face_are_merged_by_their_scores() -> None:
    boxes = np.array([[0, 0, 10, 10], [2, 0, 10, 10], [50, 50, 10, 10]], float)
    merged = _merge(boxes, np.array([0.6, 0.9, 0.7]))
    assert [score for _, score in merged] == [0.9, 0.7]
    assert merged[0][0] == pytest.approx((2 * 0.9 / 1.5, 0, 10, 10))


def test_without_blazeface_the_haar_cascade_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: pytest.TempPathFactory
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    said: list[str] = []
    assert type(open_default_detector(said.append)).__name__ == "HaarDetector"
    assert "fer-edge models fetch blazeface" in said[0]
    assert "Haar" in said[0]


def test_an_unknown_detector_lists_those_there_are() -> None:
    with pytest.raises(UsageError, match="blazeface, haar, yunet, whole"):
        open_detector("yolo")
