"""From what cameras deliver to RGB."""

from __future__ import annotations

from enum import Enum

import numpy as np

from fer_edge.errors import BadInputError
from fer_edge.preprocess import Image

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits


class PixelFormat(str, Enum):
    """The layouts that are understood, named by the order of the bytes in memory."""

    RGB = "RGB"
    BGR = "BGR"
    RGBX = "RGBX"
    BGRX = "BGRX"
    GREY = "GREY"
    YUYV = "YUYV"
    NV12 = "NV12"
    I420 = "I420"


# Channels of the array (0: two dimensions) and OpenCV's conversion.
_CONVERSIONS = {
    PixelFormat.RGB: (3, None),
    PixelFormat.BGR: (3, cv2.COLOR_BGR2RGB),
    PixelFormat.RGBX: (4, cv2.COLOR_RGBA2RGB),
    PixelFormat.BGRX: (4, cv2.COLOR_BGRA2RGB),
    PixelFormat.GREY: (0, cv2.COLOR_GRAY2RGB),
    PixelFormat.YUYV: (2, cv2.COLOR_YUV2RGB_YUYV),
    PixelFormat.NV12: (0, cv2.COLOR_YUV2RGB_NV12),
    PixelFormat.I420: (0, cv2.COLOR_YUV2RGB_I420),
}


def to_rgb(pixels: Image, layout: PixelFormat) -> Image:
    """Convert a frame.

    Args:
        pixels: uint8[H, W, 3] for RGB and BGR, [H, W, 4] for RGBX and BGRX, [H, W, 2] for YUYV, [H, W] for GREY,
            [H * 3 / 2, W] for NV12 and I420.
        layout: of the pixels.

    Returns:
        uint8[H, W, 3], RGB; `pixels` itself when it is RGB already.

    Raises:
        BadInputError: the array has another shape.
    """
    channels, conversion = _CONVERSIONS[layout]
    shape_fits = pixels.ndim == 2 if channels == 0 else pixels.ndim == 3 and pixels.shape[2] == channels
    if not shape_fits or pixels.size == 0:
        raise BadInputError(f"a {layout.value} frame has the shape {list(pixels.shape)}")
    if conversion is None:
        return pixels
    try:
        return np.asarray(cv2.cvtColor(pixels, conversion), np.uint8)
    except cv2.error as error:
        raise BadInputError(f"a {layout.value} frame of {list(pixels.shape)} cannot be converted") from error
