"""Drawn faces: shape, range, repeatability, variety, and the labelled set on disk."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_edge.data.fingerprint import fingerprints, overlap
from fer_edge.data.folder import open_images
from fer_edge.errors import BadInputError, UsageError
from fer_edge.synthetic import EXPRESSIONS, face, random_face, write_dataset
from fer_edge.synthetic_parameters import expression


@pytest.mark.parametrize("size", [32, 48, 65, 256])
@pytest.mark.parametrize("label", EXPRESSIONS)
def test_face_has_the_asked_size_and_uses_the_range(label: str, size: int) -> None:
    picture = face(label, np.random.default_rng(3), size)
    assert picture.dtype == np.uint8
    assert picture.shape == (size, size, 3)
    assert picture.max() - int(picture.min()) > 40


def test_same_state_gives_the_same_face() -> None:
    first, again, other = (random_face(np.random.default_rng(seed)) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_many_faces_are_drawn_without_numbers_out_of_range() -> None:
    rng = np.random.default_rng(11)
    with np.errstate(all="raise"):
        brightness = [random_face(rng, 32).mean() for _ in range(200)]
    assert 15 < min(brightness) < max(brightness) < 250
    assert np.std(brightness) > 10


def test_the_label_moves_the_mouth_and_the_brows() -> None:
    rng = np.random.default_rng(2)
    means = {
        label: {
            name: np.mean([getattr(e, name) for e in drawn]) for name in ("mouth_curve", "mouth_open", "brow_slope")
        }
        for label in EXPRESSIONS
        if (drawn := [expression(label, rng) for _ in range(100)])
    }
    assert means["happy"]["mouth_curve"] > means["neutral"]["mouth_curve"] > means["sad"]["mouth_curve"]
    assert means["angry"]["brow_slope"] > means["neutral"]["brow_slope"] > means["sad"]["brow_slope"]
    assert max(EXPRESSIONS, key=lambda label: means[label]["mouth_open"]) == "surprise"


def test_unknown_expression_and_size_are_refused() -> None:
    rng = np.random.default_rng(0)
    with pytest.raises(UsageError, match=r"'bored'.*angry, happy"):
        face("bored", rng)
    with pytest.raises(UsageError, match="31 pixels"):
        face("happy", rng, 31)


def test_dataset_is_balanced_complete_and_without_overlap(tmp_path: Path) -> None:
    lines: list[str] = []
    write_dataset(tmp_path / "faces", 6, 4, seed=1, say=lines.append)
    train, test = (open_images(tmp_path / "faces", prefer=subset) for subset in ("train", "test"))
    assert train.labels == test.labels == EXPRESSIONS
    assert np.bincount(train.targets).tolist() == [6] * 5
    assert np.bincount(test.targets).tolist() == [4] * 5
    assert train.image(0).shape == (48, 48, 3)
    assert overlap(fingerprints(train), fingerprints(test)) == []
    assert len(lines) == 5
    assert [p.name for p in tmp_path.iterdir()] == ["faces"]


def test_a_picture_does_not_depend_on_how_many_there_are(tmp_path: Path) -> None:
    for name, count in (("few", 1), ("more", 2)):
        write_dataset(tmp_path / name, count, 1, seed=9, say=lambda line: None)
    few, more = (tmp_path / name / "train" / "sad" / "00000.png" for name in ("few", "more"))
    assert few.read_bytes() == more.read_bytes()


def test_an_existing_folder_is_left_alone_and_a_partial_one_replaced(tmp_path: Path) -> None:
    (tmp_path / "faces").mkdir()
    with pytest.raises(BadInputError, match="exists already"):
        write_dataset(tmp_path / "faces", 1, 1, seed=0, say=lambda line: None)
    (tmp_path / "new.partial" / "train" / "stale").mkdir(parents=True)
    write_dataset(tmp_path / "new", 1, 1, seed=0, say=lambda line: None)
    assert not (tmp_path / "new" / "train" / "stale").exists()
