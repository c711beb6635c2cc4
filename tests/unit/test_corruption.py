"""Photos in trouble."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fer_edge.data.corruption import CORRUPTIONS, Corruption, corrupt, corrupted
from fer_edge.data.folder import open_images
from tests.support.tiny_models import write_folder


def random() -> np.random.Generator:
    return np.random.default_rng(3)


def grey(value: int, height: int = 60, width: int = 80) -> np.ndarray:
    return np.full((height, width, 3), value, np.uint8)


@pytest.mark.parametrize("corruption", CORRUPTIONS, ids=lambda c: c.name)
def test_shape_and_type_stay_and_the_photo_is_not_touched(corruption: Corruption) -> None:
    photo = np.random.default_rng(1).integers(0, 256, (48, 64, 3), dtype=np.uint8)
    before = photo.copy()
    changed = corrupt(photo, corruption, random())
    assert changed.shape == photo.shape
    assert changed.dtype == np.uint8
    assert (photo == before).all()
    assert (changed != photo).any()


def test_blur_is_measured_in_sides_and_keeps_the_light() -> None:
    half = grey(0, 100, 100)
    half[:, 50:] = 200
    row = corrupt(half, Corruption("blur", 0.05), random())[50, :, 0].astype(float)
    slope = np.diff(row)
    centre = np.average(np.arange(99), weights=slope)
    spread = np.sqrt(np.average((np.arange(99) - centre) ** 2, weights=slope))
    assert spread == pytest.approx(5, rel=0.1)
    assert row.mean() == pytest.approx(100, abs=1)


def test_light_clips_at_white() -> None:
    assert (corrupt(grey(100), Corruption("light", 0.5), random()) == 50).all()
    assert (corrupt(grey(200), Corruption("light", 2), random()) == 255).all()


def test_noise_has_its_spread_and_grey_stays_grey() -> None:
    changed = corrupt(grey(128, 200, 200), Corruption("noise", 0.1), random())
    assert changed.astype(float).std() == pytest.approx(25.5, rel=0.05)
    assert (changed[..., 0] == changed[..., 2]).all()


def test_occlusion_covers_its_share() -> None:
    changed = corrupt(grey(255), Corruption("occlusion", 0.25), random())
    assert (changed == 0).mean() == pytest.approx(0.25)


def test_every_reading_of_an_image_is_the_same_and_images_differ(tmp_path: Path) -> None:
    images = open_images(write_folder(tmp_path / "data", 4), prefer="test")
    changed = corrupted(images, Corruption("noise", 0.1))
    first = changed.image(0)
    assert (first == changed.image(0)).all()
    same_photo = corrupted(images.take([0, 0]), Corruption("noise", 0.1))
    assert (same_photo.image(0) != same_photo.image(1)).any()
    assert changed.sha256() == images.sha256()
