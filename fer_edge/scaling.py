"""The pixel scaling that every graph begins with, as the weights of a 1x1 convolution."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601, as OpenCV and Pillow reduce RGB to grey


def scaling_weights(
    colour: str, scale: float, mean: Sequence[float] = (0, 0, 0), std: Sequence[float] = (1, 1, 1), channels: int = 3
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Kernel and bias that turn 0-255 RGB into what a network was trained on.

    output = (colour(x) * scale - mean) / std per channel; for "grey", colour is the luma, repeated.

    Args:
        colour: "rgb" or "grey".
        scale: factor on 0-255 values.
        mean: subtracted after the factor, one value per channel.
        std: divided by at last, one value per channel.
        channels: what the network takes, 3 or 1 (1 only for "grey").

    Returns:
        float32[1, 1, 3, channels] and float32[channels].
    """
    mix = np.tile(np.array(LUMA)[:, None], channels) if colour == "grey" else np.eye(3)[:, :channels]
    offset, spread = np.array(mean, float)[:channels], np.array(std, float)[:channels]
    return (mix * scale / spread).astype(np.float32)[None, None], (-offset / spread).astype(np.float32)
