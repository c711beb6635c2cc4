from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge.contract import InputContract
from fer_edge.errors import BadInputError
from fer_edge.preprocess import Box, crop, decode_image, preprocess, read_image

CONTRACT = InputContract(height=32, width=48, colour="rgb", labels=("a", "b"), crop_margin=0.1)
NOISE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


def test_a_png_is_read_as_rgb(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), NOISE[:, :, ::-1])
    assert np.array_equal(read_image(tmp_path / "a.png"), NOISE)


def test_a_grey_png_has_three_equal_channels(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), NOISE[:, :, 0])
    assert np.array_equal(read_image(tmp_path / "a.png"), np.repeat(NOISE[:, :, :1], 3, axis=2))


def test_transparency_is_dropped(tmp_path: Path) -> None:
    cv2.imwrite(str(tmp_path / "a.png"), np.dstack([NOISE, NOISE[:, :, 0]]))
    assert read_image(tmp_path / "a.png").shape == (64, 96, 3)


def test_exif_rotation_is_applied() -> None:
    _, jpeg = cv2.imencode(".jpg", NOISE)
    tiff = b"II*\0\x08\0\0\0" + b"\x01\0" + b"\x12\x01\x03\0\x01\0\0\0\x06\0\0\0" + b"\0\0\0\0"  # orientation 6
    segment = b"Exif\0\0" + tiff
    data = jpeg.tobytes()
    turned = data[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + data[2:]
    assert decode_image(turned, "turned").shape == (96, 64, 3)


@pytest.mark.parametrize("data", [b"", b"no image", b"\x89PNG\r\n\x1a\n" + b"\0" * 40])
def test_what_is_no_image_is_named(data: bytes) -> None:
    with pytest.raises(BadInputError, match=r"holiday\.jpg is not a readable image"):
        decode_image(data, "holiday.jpg")


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"cannot read .*gone\.png: No such file"):
        read_image(tmp_path / "gone.png")


def test_the_right_size_passes_untouched() -> None:
    face = NOISE[:32, :48]
    assert np.array_equal(preprocess(face, CONTRACT), face)


def test_shrinking_averages_and_enlarging_interpolates() -> None:
    halved = NOISE.reshape(32, 2, 48, 2, 3).mean(axis=(1, 3))
    assert np.abs(preprocess(NOISE, CONTRACT) - halved).max() <= 0.5
    small = NOISE[:16, :24]
    assert np.array_equal(preprocess(small, CONTRACT), cv2.resize(small, (48, 32), interpolation=cv2.INTER_LINEAR))


def test_bilinear_is_bilinear_always() -> None:
    contract = CONTRACT.model_copy(update={"resize": "bilinear"})
    assert np.array_equal(preprocess(NOISE, contract), cv2.resize(NOISE, (48, 32), interpolation=cv2.INTER_LINEAR))


def test_a_grey_face_is_repeated() -> None:
    face = preprocess(NOISE[:, :, 0], CONTRACT)
    assert face.shape == (32, 48, 3)
    assert np.array_equal(face[:, :, 0], face[:, :, 2])


@pytest.mark.parametrize(
    "face",
    [
        np.zeros((8, 8, 3), np.float32),
        np.zeros((8, 8, 4), np.uint8),
        np.zeros((1, 8, 8, 3), np.uint8),
        np.zeros((0, 8, 3), np.uint8),
        np.zeros(8, np.uint8),
    ],
    ids=lambda face: f"{face.dtype}{face.shape}",
)
def test_other_arrays_are_refused(face: np.ndarray) -> None:
    with pytest.raises(BadInputError, match=f"not {face.dtype}"):
        preprocess(face, CONTRACT)


@pytest.mark.parametrize(
    ("box", "shape"),
    [
        ((20, 20, 40, 20), (28, 48)),  # 10% of the longer side on every side
        ((-30, -30, 50, 50), (25, 25)),
        ((90, 60, 50, 50), (9, 11)),
        ((500, 500, 10, 10), (1, 1)),
        ((30.4, 20.6, 0, 0), (1, 1)),
    ],
)
def test_crops_stay_inside_the_frame(box: Box, shape: tuple[int, int]) -> None:
    assert crop(NOISE, box, CONTRACT).shape == (*shape, 3)


def test_a_crop_is_a_view_at_the_right_place() -> None:
    contract = CONTRACT.model_copy(update={"crop_margin": 0.0})
    assert np.array_equal(crop(NOISE, (5, 7, 30, 20), contract), NOISE[7:27, 5:35])
