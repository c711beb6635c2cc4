"""On which processors a model trains: one, or all GPUs together."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence

import tensorflow as tf

from fer_edge.system_info import has_bfloat16

BFLOAT16_SINCE = (8, 0)  # compute capability: Ampere


def grow_gpu_memory() -> None:
    """Let TensorFlow take GPU memory as it needs it, not all at once; to be called before anything runs on a GPU."""
    for gpu in tf.config.list_physical_devices("GPU"):
        with contextlib.suppress(RuntimeError):  # a caller of ours used it already: it keeps what it has
            tf.config.experimental.set_memory_growth(gpu, True)


def fastest_dtype() -> str:
    """The dtype policy in which this machine trains fastest: mixed_bfloat16 where it computes in bfloat16 itself."""
    gpus = [tf.config.experimental.get_device_details(gpu) for gpu in tf.config.list_physical_devices("GPU")]
    gains = all(gpu.get("compute_capability", (0, 0)) >= BFLOAT16_SINCE for gpu in gpus) if gpus else has_bfloat16()
    return "mixed_bfloat16" if gains else "float32"


def training_strategy(devices: Sequence[str] | None = None) -> tf.distribute.Strategy:
    """How the training is distributed; model and optimizer are made inside its `scope()`.

    With several devices each holds a copy of the model and takes its part of every batch, and the gradients are
    averaged: the recipe's `batch_size` is that of all devices together, so that a step is the same step on one.

    Args:
        devices: such as "GPU:0"; None takes every GPU that TensorFlow sees (CUDA_VISIBLE_DEVICES chooses).
    """
    if devices is None:
        grow_gpu_memory()
        devices = [device.name for device in tf.config.list_logical_devices("GPU")]
    return tf.distribute.MirroredStrategy(devices) if len(devices) > 1 else tf.distribute.get_strategy()
