"""The training loop on a network of a few weights."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

from fer_edge.contract import InputContract
from fer_edge.data.folder import open_images
from fer_edge.data.votes import Votes
from fer_edge.training.batch_norm import BatchNormStatistics
from fer_edge.training.loop import StoppedError, compile_model, fit
from fer_edge.training.pipeline import Cache, fill_cache, plain_batches
from fer_edge.training.recipe import Recipe, Stage
from fer_edge.training.state import Progress, StateFolder
from tests.support.pictures import write_squares

STEPS = 4


@pytest.fixture
def cache() -> Cache:
    random = np.random.default_rng(0)
    return Cache(random.integers(0, 255, (64, 32, 32, 1), np.uint8), np.eye(2, dtype=np.float32)[[0, 1] * 32])


def recipe(*epochs: int, **changes: object) -> Recipe:
    stages = tuple(Stage(size=size, epochs=count) for size, count in zip((32, 48), epochs, strict=False))
    return Recipe.model_validate({"name": "x", "stages": stages, "batch_size": 16, "batch_norm_images": 0, **changes})


def compiled(of: Recipe) -> keras.Model:
    pixels = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, name="conv")(pixels)
    x = keras.layers.BatchNormalization(name="norm")(x)
    x = keras.layers.GlobalAveragePooling2D()(x)
    model = keras.Model(pixels, keras.layers.Dense(2, activation="softmax", name="probabilities")(x))
    compile_model(model, of, STEPS)
    return model


def follow(
    of: Recipe, cache: Cache, folder: Path, losses: Sequence[float], monkeypatch: pytest.MonkeyPatch
) -> tuple[Progress, list[float]]:
    """Train while the tuning loss is as given; returns the progress, and the sum of the kept weights with all sums."""
    model, progress, sums = compiled(of), Progress("run"), []
    given = iter(losses)
    monkeypatch.setattr(model, "evaluate", lambda *_, **__: {"loss": next(given), "accuracy": 0.5})

    def note(_progress: Progress, _seconds: float) -> None:
        sums.append(total(model))

    fit(model, of, cache, cache, StateFolder(folder), progress, note, lambda done, count: None)
    return progress, [*sums, total(model)]


def total(model: keras.Model) -> float:
    return float(sum(np.abs(w).sum() for w in model.get_weights()))


def test_the_best_epoch_of_the_last_stage_is_kept(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    progress, sums = follow(recipe(2, 3), cache, tmp_path, [0.1, 0.2, 0.9, 0.5, 0.7], monkeypatch)
    assert (progress.best_epoch, progress.best_loss, progress.epoch) == (4, 0.5, 5)
    assert [row["size"] for row in progress.history] == [32, 32, 48, 48, 48]
    assert len(set(sums[:5])) == 5, "the epochs' weights differ"
    assert sums[5] == sums[3]


def test_patience_ends_a_training(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    progress, _ = follow(recipe(9, patience=2), cache, tmp_path, [0.5, 0.4, 0.6, 0.5], monkeypatch)
    assert (progress.best_epoch, progress.epoch, progress.finished) == (2, 4, True)


def test_a_tuning_loss_that_is_no_number_keeps_the_epoch_before(
    cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(StoppedError, match="tuning: nan") as stopped:
        follow(recipe(3), cache, tmp_path, [0.5, float("nan")], monkeypatch)
    assert stopped.value.key == "learning_rate"
    assert StateFolder(tmp_path).load("run", compiled(recipe(3))).epoch == 1


def test_too_little_memory_is_said(cache: Cache, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(*_: object, **__: object) -> None:
        raise tf.errors.ResourceExhaustedError(None, None, "OOM")

    monkeypatch.setattr(keras.Model, "fit", exhausted)
    with pytest.raises(StoppedError, match="memory ran out in epoch 1: 16 images of 32 px a step") as stopped:
        follow(recipe(3), cache, tmp_path, [0.5], monkeypatch)
    assert stopped.value.key == "batch_size"


@pytest.mark.parametrize(("epochs", "warmup"), [(4, 2), (1, 0), (2, 1)])
def test_the_rate_warms_up_and_falls_to_nothing(epochs: int, warmup: int) -> None:
    of = recipe(epochs, learning_rate=0.1, schedule="cosine", warmup_epochs=2)
    rate = compiled(of).optimizer._learning_rate
    assert float(rate(warmup * STEPS)) == pytest.approx(0.1)
    assert float(rate(epochs * STEPS)) == pytest.approx(0, abs=1e-7)
    if warmup:
        assert float(rate(0)) == 0


def test_only_kernels_decay() -> None:
    model = compiled(recipe(1, optimizer="adamw", learning_rate=0.1, weight_decay=0.5))
    before = {v.path: v.numpy() for v in model.trainable_variables}
    model.get_layer("norm").gamma.assign([2, 2, 2, 2])
    model.optimizer.apply([keras.ops.zeros_like(v) for v in model.trainable_variables], model.trainable_variables)
    after = {v.path: v.numpy() for v in model.trainable_variables}
    assert np.allclose(after["norm/gamma"], 2)
    for path in ("conv/kernel", "probabilities/kernel"):
        assert np.allclose(after[path], 0.95 * before[path])


def test_batch_norm_statistics_are_the_mean_of_the_batches_own(cache: Cache) -> None:
    model = compiled(recipe(1))
    BatchNormStatistics(model).estimate(plain_batches(cache, 32, 16))
    before_norm = keras.Model(model.inputs, model.get_layer("conv").output)
    batches = [before_norm.predict(images, verbose=0) for images, _ in plain_batches(cache, 32, 16)]
    norm = model.get_layer("norm")
    means = np.mean([b.mean(axis=(0, 1, 2)) for b in batches], axis=0)
    variances = np.mean([b.var(axis=(0, 1, 2)) for b in batches], axis=0)
    np.testing.assert_allclose(norm.moving_mean.numpy(), means, rtol=1e-4, atol=1e-3)
    np.testing.assert_allclose(norm.moving_variance.numpy(), variances, rtol=1e-3)


def test_the_votes_shares_are_the_targets(tmp_path: Path) -> None:
    images = open_images(write_squares(tmp_path, 1), prefer="train")
    contract = InputContract(height=32, width=32, colour="rgb", labels=images.labels)
    votes = Votes(np.array([[3, 1, 0, 0], [0, 2, 2, 0], [1, 1, 2, 0], [0, 0, 0, 5]], np.float64), "")
    np.testing.assert_array_equal(fill_cache(images, contract, votes).targets, votes.shares)
    np.testing.assert_array_equal(fill_cache(images, contract).targets, np.eye(4)[images.targets])
