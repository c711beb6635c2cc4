"""Exact float rewrites that a network needs before int8 quantization: named steps, each checked, none by layer name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fer_edge.errors import DataError
from fer_edge.registry import lookup

if TYPE_CHECKING:
    import keras

REWRITES = {
    "equalize-channels": "convert.rewrites.equalize:equalize_channels",
    "batch-norm-to-depthwise": "convert.rewrites.depthwise:batch_norm_to_depthwise",
}
TOLERANCE = 1e-4  # largest change of a probability that float rounding may cause
CHECKED_IMAGES = 64


def apply_rewrites(
    model: keras.Model, names: Sequence[str], calibration: NDArray[np.float32], checked: NDArray[np.float32]
) -> tuple[keras.Model, tuple[str, ...]]:
    """Apply the named steps in order; one that changes the float output is refused and the model before it kept.

    Args:
        model: float32[N, H, W, 3] in 0-255 RGB -> float32[N, classes]; it is not changed.
        names: keys of `REWRITES`.
        calibration: float32[N, H, W, 3], 0-255 RGB, sets the ranges.
        checked: the same kind of images; outputs are compared on 64 of them at most.

    Returns:
        The model and one sentence per step: "NAME: what was done", "NAME: nothing to do, ..." or "refused: NAME ...".

    Raises:
        UsageError: an unknown name.
        DataError: no calibration images, or of another shape than the model's input.
    """
    from convert.rewrites.graph import UnsupportedGraphError, flatten, run

    steps = {name: lookup(REWRITES, name, "rewrite") for name in names}
    if not steps:
        return model, ()
    try:
        flatten(model)
    except UnsupportedGraphError as error:
        return model, tuple(f"refused: {name} does not apply: {error.message}" for name in steps)
    for images in (calibration, checked):
        _check(model, images)
    images = checked[np.unique(np.linspace(0, len(checked) - 1, CHECKED_IMAGES).astype(int))]
    before = run(model, images)[0]
    notes = []
    for name, step in steps.items():
        candidate, note = step(model, calibration)
        if note is None:
            notes.append(f"{name}: nothing to do, the model has no pre-activation batch norm that it can change")
            continue
        change = float(np.abs(run(candidate, images)[0] - before).max())
        if change <= TOLERANCE:  # false for NaN
            model = candidate
            notes.append(note)
        else:
            notes.append(f"refused: {name} changed the float output by {change:.2g} (at most {TOLERANCE:g} is allowed)")
    return model, tuple(notes)


def _check(model: keras.Model, calibration: NDArray[np.float32]) -> None:
    expected = tuple(model.input_shape)
    fits = calibration.ndim == len(expected) and all(
        want in (None, have) for want, have in zip(expected[1:], calibration.shape[1:], strict=True)
    )
    if not len(calibration) or not fits:
        raise DataError(
            f"the rewrites need calibration images of shape {expected}, not {calibration.shape}",
            "Prepare them with the model's own contract",
        )
