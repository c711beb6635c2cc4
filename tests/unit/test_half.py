"""Checkpoints at two bytes per parameter."""

from __future__ import annotations

from pathlib import Path

import keras
import numpy as np
import pytest

from fer_edge.checkpoint import read_checkpoint_info
from fer_edge.contract import InputContract
from fer_edge.errors import FerEdgeError
from fer_edge.manifest import CheckpointInfo
from fer_edge.training.half import round_kernels
from fer_edge.training.job import save_checkpoint


def small_model() -> keras.Model:
    keras.utils.set_random_seed(3)
    pixels = keras.Input((16, 16, 3))
    x = keras.layers.Conv2D(3, 1, trainable=False, name="scaling")(pixels)
    x = keras.layers.Conv2D(64, 3, use_bias=False)(x)
    x = keras.layers.BatchNormalization()(x)
    x = keras.layers.GlobalAveragePooling2D()(keras.layers.ReLU()(x))
    x = keras.layers.Dense(256)(x)
    return keras.Model(pixels, keras.layers.Dense(5, activation="softmax")(x))


def test_half_the_bytes_and_the_same_answers(tmp_path: Path) -> None:
    model = small_model()
    scaling = model.get_layer("scaling").get_weights()
    before = np.concatenate([w.numpy().ravel() for w in model.weights])
    round_kernels(model)
    after = np.concatenate([w.numpy().ravel() for w in model.weights])
    assert 0 < np.abs(after - before).max() < 1e-3
    assert all(np.array_equal(a, b) for a, b in zip(model.get_layer("scaling").get_weights(), scaling, strict=True))
    contract = InputContract(height=16, width=16, colour="rgb", labels=tuple("abcde"))
    info = CheckpointInfo(architecture="small", contract=contract, training=None, tools={})
    save_checkpoint(model, info, tmp_path / "whole.keras")
    save_checkpoint(model, info, tmp_path / "half.keras", half=True)
    whole, half = ((tmp_path / name).stat().st_size for name in ("whole.keras", "half.keras"))
    assert whole - half > 1.5 * (64 * 27 + 64 * 256 + 256 * 5)
    loaded = keras.models.load_model(tmp_path / "half.keras", safe_mode=True)
    assert {w.dtype for w in loaded.weights} == {"float32"}
    assert all(np.array_equal(a, b) for a, b in zip(loaded.get_weights(), model.get_weights(), strict=True))
    assert read_checkpoint_info(tmp_path / "half.keras") == info
    assert {path.name for path in tmp_path.iterdir()} == {"whole.keras", "half.keras"}


def test_a_kernel_beyond_float16_is_refused() -> None:
    model = small_model()
    model.layers[-1].kernel.assign(model.layers[-1].kernel * 1e7)
    with pytest.raises(FerEdgeError, match="holds .*, and float16 ends at 65504"):
        round_kernels(model)
