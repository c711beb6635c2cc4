"""Every pixel layout comes out as RGB."""

from __future__ import annotations

import cv2
import numpy as np
import pytest

from fer_edge.errors import BadInputError
from fer_edge.runtime.sources.colour import PixelFormat, to_rgb

RGB = np.zeros((8, 16, 3), np.uint8)
RGB[:4] = (200, 40, 40)
RGB[4:] = (40, 40, 200)


def _i420() -> np.ndarray:
    return np.asarray(cv2.cvtColor(RGB, cv2.COLOR_RGB2YUV_I420))


def _nv12() -> np.ndarray:
    planes = _i420().ravel()
    luma, u, v = np.split(planes, [128, 160])
    return np.concatenate([luma, np.stack([u, v], axis=1).ravel()]).reshape(12, 16)


def _yuyv() -> np.ndarray:
    luma, u, v = np.split(_i420().ravel(), [128, 160])
    chroma = np.stack([np.repeat(c.reshape(4, 8), 2, axis=0) for c in (u, v)], axis=2).reshape(8, 16)
    return np.stack([luma.reshape(8, 16), chroma], axis=2)


LAYOUTS = {
    PixelFormat.RGB: RGB,
    PixelFormat.BGR: RGB[..., ::-1].copy(),
    PixelFormat.RGBX: np.dstack([RGB, np.full((8, 16), 9, np.uint8)]),
    PixelFormat.BGRX: np.dstack([RGB[..., ::-1], np.full((8, 16), 9, np.uint8)]),
    PixelFormat.NV12: _nv12(),
    PixelFormat.I420: _i420(),
    PixelFormat.YUYV: _yuyv(),
}


@pytest.mark.parametrize("layout", [f for f in PixelFormat if f is not PixelFormat.GREY])
def test_layouts_come_out_as_rgb(layout: PixelFormat) -> None:
    got = to_rgb(LAYOUTS[layout], layout)
    assert got.shape == RGB.shape
    assert np.abs(got.astype(int) - RGB).max() <= 6  # YUV rounds


def test_grey_is_three_equal_channels() -> None:
    assert to_rgb(np.full((4, 4), 7, np.uint8), PixelFormat.GREY).tolist() == np.full((4, 4, 3), 7).tolist()


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (PixelFormat.RGB, (4, 4)),
        (PixelFormat.BGRX, (4, 4, 3)),
        (PixelFormat.NV12, (5, 4)),
        (PixelFormat.YUYV, (4, 3, 2)),
        (PixelFormat.GREY, (0, 4)),
    ],
)
def test_other_shapes_are_refused(layout: PixelFormat, shape: tuple[int, ...]) -> None:
    with pytest.raises(BadInputError, match=layout.value):
        to_rgb(np.zeros(shape, np.uint8), layout)
