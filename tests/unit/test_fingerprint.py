from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge.data.fingerprint import combined_sha256, fingerprint, fingerprints, overlap
from fer_edge.data.folder import open_images
from fer_edge.preprocess import Image
from fer_edge.synthetic import random_face
from tests.support.pictures import texture

REAL = Path(__file__).parents[3] / "shared" / "data" / "ferplus5-train-test.zip"
needs_real_faces = pytest.mark.skipif(not REAL.is_file(), reason="the FER+ data set is not here")


def jpeg(image: Image) -> Image:
    encoded = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 80])[1]
    return np.asarray(cv2.imdecode(encoded, cv2.IMREAD_COLOR), np.uint8)


def there_and_back(image: Image) -> Image:
    larger = cv2.resize(image, (64, 64), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.resize(larger, image.shape[1::-1], interpolation=cv2.INTER_AREA), np.uint8)


def enlarged(image: Image) -> Image:
    return np.asarray(cv2.resize(image, (96, 96), interpolation=cv2.INTER_CUBIC), np.uint8)


def brighter(image: Image) -> Image:
    return np.clip(image.astype(np.int32) + 15, 0, 255).astype(np.uint8)


COPIES = pytest.mark.parametrize("copy", [jpeg, there_and_back, enlarged, brighter])


@COPIES
def test_a_changed_copy_is_found(copy: Callable[[Image], Image]) -> None:
    rng = np.random.default_rng(0)
    pictures = [random_face(rng, 96) for _ in range(50)]
    pairs = overlap([fingerprint(p) for p in pictures], [fingerprint(copy(p)) for p in pictures])
    assert pairs == [(i, i) for i in range(50)]


def test_different_pictures_are_not_found() -> None:
    rng = np.random.default_rng(1)
    prints = [fingerprint(random_face(rng)) for _ in range(300)]
    assert overlap(prints[:100], prints[100:]) == []


def test_an_exact_copy_is_found_and_hashed_alike() -> None:
    first, second = fingerprint(texture(1)), fingerprint(texture(1).copy())
    assert first == second
    assert overlap([fingerprint(texture(0)), first], [second]) == [(1, 0)]


def test_the_shape_is_part_of_the_exact_hash() -> None:
    assert fingerprint(np.zeros((4, 8, 3), np.uint8)).exact != fingerprint(np.zeros((8, 4, 3), np.uint8)).exact


def test_nothing_overlaps_nothing() -> None:
    assert overlap([], [fingerprint(texture(0))]) == overlap([fingerprint(texture(0))], []) == []


def test_the_combined_hash_depends_on_the_order() -> None:
    prints = [fingerprint(texture(i)) for i in range(2)]
    assert combined_sha256(prints) != combined_sha256(prints[::-1])


@needs_real_faces
def test_no_training_face_resembles_a_test_face() -> None:
    training, test = open_images(REAL, prefer="train"), open_images(REAL, prefer="test")
    some = training.take(np.random.default_rng(0).choice(len(training), 300, replace=False))
    assert overlap(fingerprints(some), fingerprints(test)) == []


@needs_real_faces
@COPIES
def test_changed_copies_of_real_faces_are_found(copy: Callable[[Image], Image]) -> None:
    training = open_images(REAL, prefer="train")
    faces = [training.image(int(i)) for i in np.random.default_rng(0).choice(len(training), 300, replace=False)]
    found = overlap([fingerprint(f) for f in faces], [fingerprint(copy(f)) for f in faces])
    assert found == [(i, i) for i in range(300)]
