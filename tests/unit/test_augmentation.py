from __future__ import annotations

import cv2
import numpy as np
import pytest
import tensorflow as tf

from fer_edge.preprocess import Image
from fer_edge.training.augmentation import augment
from fer_edge.training.pipeline import Cache, plain_batches, training_batches
from fer_edge.training.recipe import Augmentation, Recipe, Stage
from tests.support.pictures import texture

NOTHING = Augmentation()
EVERYTHING = Augmentation(
    rotation_degrees=15,
    shift=0.1,
    zoom=(0.85, 1.18),
    flip=True,
    brightness=0.1,
    contrast=0.2,
    blur=0.05,
    noise=0.1,
    erase_probability=0.3,
)
FACES = np.stack([texture(i) for i in range(6)])


def changed(
    faces: Image, size: int, recipe: Augmentation, seed: int = 0
) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    result = augment(tf.constant(faces, tf.float32), size, recipe, tf.constant([seed, seed + 1], tf.int32))
    return np.asarray(result.numpy(), np.float32)


def test_without_changes_the_images_stay() -> None:
    assert np.abs(changed(FACES, 48, NOTHING) - FACES).max() < 1e-3


@pytest.mark.parametrize("size", [32, 64, 96])
def test_without_changes_it_is_a_plain_bilinear_resize(size: int) -> None:
    expected = np.stack([cv2.resize(f, (size, size), interpolation=cv2.INTER_LINEAR) for f in FACES])
    assert np.abs(changed(FACES, size, NOTHING) - expected).max() < 1.5  # OpenCV rounds to whole numbers


def test_the_seed_settles_the_changes() -> None:
    first, again, other = (changed(FACES, 48, EVERYTHING, seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_values_stay_in_range() -> None:
    result = changed(FACES, 48, EVERYTHING)
    assert result.min() >= 0
    assert result.max() <= 255


def test_a_flip_mirrors_about_half_and_nothing_else() -> None:
    many = np.repeat(FACES[:1], 64, axis=0)
    result = changed(many, 48, Augmentation(flip=True))
    mirrored = [np.abs(r - FACES[0, :, ::-1]).max() < 1e-2 for r in result]
    kept = [np.abs(r - FACES[0]).max() < 1e-2 for r in result]
    assert all(m or k for m, k in zip(mirrored, kept, strict=True))
    assert 16 < sum(mirrored) < 48


def test_what_comes_from_outside_repeats_the_border() -> None:
    plain = np.full((8, 48, 48, 1), 77, np.uint8)
    turned = changed(plain, 48, Augmentation(rotation_degrees=40, shift=0.3, zoom=(0.7, 1.3)))
    assert np.abs(turned - 77).max() < 1e-3


def test_erasing_replaces_one_rectangle_by_one_grey() -> None:
    result = changed(FACES, 48, Augmentation(erase_probability=1))
    for before, after in zip(FACES, result, strict=True):
        rows, columns = np.nonzero(np.abs(after - before).max(axis=-1) > 1e-3)
        box = after[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        assert np.ptp(box) < 1e-3
        assert 0.01 < box.shape[0] * box.shape[1] / 48**2 < 0.23


def test_nothing_is_erased_with_probability_zero() -> None:
    assert np.abs(changed(FACES, 48, Augmentation(erase_probability=0)) - FACES).max() < 1e-3


def test_blur_spreads_up_to_its_limit_and_leaves_half_of_the_images_sharp() -> None:
    edge = np.zeros((64, 48, 48, 1), np.uint8)
    edge[:, :, 24:] = 200
    slopes = np.diff(changed(edge, 48, Augmentation(blur=0.06))[:, 24, :, 0], axis=1)
    places = np.arange(47)
    spread = np.sqrt([np.average((places - np.average(places, weights=s)) ** 2, weights=s) for s in slopes])
    assert 16 < (spread < 0.1).sum() < 48
    assert 1.5 < spread.max() < 0.06 * 48 * 1.05
    assert slopes.sum(axis=1) == pytest.approx(200, abs=1)  # as bright on both sides as before


def test_noise_has_strengths_up_to_its_limit_and_leaves_half_of_the_images_clean() -> None:
    plain = np.full((64, 48, 48, 1), 128, np.uint8)
    spread = changed(plain, 48, Augmentation(noise=0.1)).std(axis=(1, 2, 3))
    assert 16 < (spread == 0).sum() < 48
    assert 15 < spread.max() < 25.5 * 1.05


def test_training_batches_depend_on_seed_and_epoch_only() -> None:
    recipe = Recipe(name="x", stages=(Stage(size=32, epochs=2),), batch_size=4, augmentation=EVERYTHING)
    cache = Cache(np.stack([texture(i, 32) for i in range(10)]), np.eye(2, dtype=np.float32)[np.arange(10) % 2])
    first, again, next_epoch = (list(training_batches(cache, recipe, 32, epoch)) for epoch in (0, 0, 1))
    assert [tuple(images.shape) for images, _ in first] == [(4, 32, 32, 3)] * 2
    assert all(np.array_equal(a[0], b[0]) and np.array_equal(a[1], b[1]) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0][0], next_epoch[0][0])


def test_plain_batches_hold_every_image_in_order() -> None:
    pixels = np.stack([texture(i, 32)[..., :1] for i in range(10)])
    cache = Cache(pixels, np.eye(2, dtype=np.float32)[np.arange(10) % 2])
    images = np.concatenate([batch.numpy() for batch, _ in plain_batches(cache, 32, 4)])
    assert np.abs(images - np.repeat(pixels, 3, axis=-1)).max() < 1e-3
    some = np.concatenate([batch.numpy() for batch, _ in plain_batches(cache, 32, 4, limit=3)])
    assert len(some) == 3


def test_some_of_a_sorted_cache_hold_all_classes_in_every_batch() -> None:
    cache = Cache(np.zeros((400, 32, 32, 1), np.uint8), np.eye(4, dtype=np.float32)[np.repeat(range(4), 100)])
    first, again = ([targets.numpy() for _, targets in plain_batches(cache, 32, 50, limit=200)] for _ in range(2))
    assert [len(targets) for targets in first] == [50] * 4
    assert min(targets.sum(axis=0).min() for targets in first) > 0
    assert np.array_equal(first, again)
