"""Checkpoints in Keras: the full-precision baseline."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fer_edge.checkpoint import LOADING_ERRORS, SAVE_AGAIN, read_checkpoint_info
from fer_edge.contract import InputContract
from fer_edge.errors import CheckpointError
from fer_edge.optional import require
from fer_edge.preprocess import Image
from fer_edge.runtime.backends.base import CheckedBackend, Probabilities, normalised
from fer_edge.runtime.backends.signature import first_line, thread_count

BATCH = 64
PRECISIONS = {"bfloat16": "bf16", "float16": "fp16"}


def load_checkpoint(path: Path) -> Any:  # noqa: ANN401 - untyped package
    """Load a `.keras` file in safe mode, without compiling it.

    Raises:
        CheckpointError: missing, damaged or unsafe.
    """
    read_checkpoint_info(path)
    keras = require("keras", extra="train")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=True)
    except LOADING_ERRORS as error:
        raise CheckpointError(f"Keras cannot load {path}: {first_line(error)}", SAVE_AGAIN) from error


class KerasBackend(CheckedBackend):
    """Runs faces in batches through a `tf.function`.

    Args:
        path: the `.keras` file, loaded in safe mode.
        contract: what the checkpoint says it expects.
        threads: TensorFlow fixes them at its first operation in the process; None takes all usable cores.
    """

    def __init__(self, path: Path, contract: InputContract, *, threads: int | None = None) -> None:
        tf = require("tensorflow", extra="train")
        keras = require("keras", extra="train")
        _set_threads(tf, thread_count(threads))
        model = load_checkpoint(path)
        reduced = [
            PRECISIONS[dtype] for layer in model._flatten_layers() if (dtype := layer.compute_dtype) in PRECISIONS
        ]
        runtime = f"keras {keras.__version__} (tensorflow {tf.__version__})"
        super().__init__(contract, runtime, reduced[0] if reduced else "fp32")
        self._check_model(path, model)

        def run(pixels: Any) -> Any:  # noqa: ANN401 - tensors
            return model(tf.cast(pixels, tf.float32), training=False)

        # Two graphs: with a known batch of one TensorFlow optimises better.
        one, many = (tf.TensorSpec((size, *self._shape), tf.uint8) for size in (1, None))
        self._one: Any = tf.function(run, input_signature=[one])
        self._many: Any = tf.function(run, input_signature=[many])

    def _check_model(self, path: Path, model: Any) -> None:  # noqa: ANN401 - untyped package
        taken, given = model.input_shape, model.output_shape
        if tuple(taken[1:]) != self._shape or tuple(given[1:]) != (len(self.contract.labels),):
            raise CheckpointError(
                f"{path} maps {taken} to {given}, but its contract says {self._shape} to {self.contract.labels}",
                "Train or export the model again",
            )

    def _infer(self, face: Image) -> npt.NDArray[np.float32]:
        return np.asarray(self._one(face), np.float32).reshape(-1)

    def predict(self, faces: Image) -> Probabilities:
        """See `Backend.predict`."""
        if len(faces) <= 1:
            return super().predict(faces)
        self._check(faces)
        parts = [np.asarray(self._many(faces[i : i + BATCH]), np.float32) for i in range(0, len(faces), BATCH)]
        return normalised(np.concatenate(parts))

    def close(self) -> None:
        """Release the model."""
        self._one = self._many = None


def _set_threads(tf: Any, threads: int) -> None:  # noqa: ANN401 - untyped package
    threading = tf.config.threading
    if (threading.get_intra_op_parallelism_threads() or thread_count(None)) == threads:
        return
    try:
        threading.set_intra_op_parallelism_threads(threads)
        threading.set_inter_op_parallelism_threads(1)
    except RuntimeError:
        warnings.warn(
            f"TensorFlow has begun to run in this process and cannot change to {threads} threads; "
            "give --threads from the beginning",
            UserWarning,
            stacklevel=3,
        )
