"""Checkpoints of two bytes per parameter: rounded to float16, stored as float16, loaded by any Keras as float32."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import h5py
import keras
import numpy as np

from fer_edge.errors import FerEdgeError
from fer_edge.whole_file import whole_file

WEIGHTS = "model.weights.h5"


def round_kernels(model: keras.Model) -> None:
    """Round the kernels to float16; they stay float32 in memory.

    Biases, batch norms and the input scaling, a hundredth of all parameters, keep their full precision.

    Raises:
        FerEdgeError: a kernel holds a number above float16's largest, 65504.
    """
    for weight in model.trainable_weights:
        if len(weight.shape) < 2:
            continue
        if (largest := np.abs(weight.numpy()).max()) > np.finfo(np.float16).max:
            raise FerEdgeError(
                f"{weight.path} holds {largest:g}, and float16 ends at 65504",
                "Set half_kernels = false in the recipe and give the same command again; nothing is trained anew",
            )
        weight.assign(weight.numpy().astype(np.float16))


def halve(path: Path) -> None:
    """Store as float16, in place, those arrays of a `.keras` file that this does not change."""
    with whole_file(path) as temporary, zipfile.ZipFile(path) as whole, zipfile.ZipFile(temporary, "w") as half:
        for name in whole.namelist():
            content = whole.read(name)
            half.writestr(name, _halved(content) if name == WEIGHTS else content)


def _halved(content: bytes) -> bytes:
    target = io.BytesIO()
    with h5py.File(io.BytesIO(content)) as whole, h5py.File(target, "w") as half:

        def copy(name: str, node: h5py.Group | h5py.Dataset) -> None:
            if isinstance(node, h5py.Group):
                made = half.require_group(name)
            else:
                values = node[...]
                short = values.astype(np.float16) if values.dtype == np.float32 else values
                made = half.create_dataset(name, data=short if np.array_equal(short, values) else values)
            for key, value in node.attrs.items():
                made.attrs[key] = value

        for key, value in whole.attrs.items():
            half.attrs[key] = value
        whole.visititems(copy)
    return target.getvalue()
