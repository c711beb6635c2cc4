"""The training loop: epochs at growing sizes, trusted evaluation, early stopping, resumption."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from importlib.util import find_spec

import keras
import tensorflow as tf

from fer_edge.training.batch_norm import BatchNormStatistics
from fer_edge.training.pipeline import Cache, plain_batches, training_batches
from fer_edge.training.recipe import Recipe
from fer_edge.training.state import Progress, StateFolder

EVALUATION_BATCH = 128


class StoppedError(Exception):
    """The training cannot go on.

    Attributes:
        key: of the recipe, which a lower value may mend.
    """

    def __init__(self, message: str, key: str) -> None:
        super().__init__(message)
        self.key = key


def compile_model(model: keras.Model, recipe: Recipe, steps_per_epoch: int) -> None:
    """Attach loss, optimizer and schedule; no weight decay on batch norms and biases.

    Adam after Kingma and Ba 2015, AdamW after Loshchilov and Hutter 2019 ("Decoupled weight decay regularization"), the
    cosine after the same 2017 ("SGDR"), from a linear warm-up.

    Args:
        model: gives float32[n, K], probabilities.
        recipe: names them.
        steps_per_epoch: batches of an epoch; the schedule counts steps.
    """
    rate: float | keras.optimizers.schedules.LearningRateSchedule = recipe.learning_rate
    if recipe.schedule == "cosine":
        # However few epochs --epochs leaves, the last one falls.
        warmup = min(recipe.warmup_epochs, recipe.epochs - 1) * steps_per_epoch
        rate = keras.optimizers.schedules.CosineDecay(
            initial_learning_rate=0.0 if warmup else recipe.learning_rate,
            decay_steps=max(recipe.epochs * steps_per_epoch - warmup, 1),
            warmup_target=recipe.learning_rate if warmup else None,
            warmup_steps=warmup,
        )
    if recipe.optimizer == "adamw":
        optimizer = keras.optimizers.AdamW(rate, weight_decay=recipe.weight_decay)
        optimizer.exclude_from_weight_decay(var_names=["gamma", "beta", "bias"])
    else:
        optimizer = keras.optimizers.Adam(rate)
    # XLA is slower than the plain graph on CPUs (44 against 79 images/s for DenseNet121 at 64 px).
    jit = "auto" if tf.config.list_physical_devices("GPU") else False
    loss = keras.losses.CategoricalCrossentropy(label_smoothing=recipe.label_smoothing)
    model.compile(optimizer, loss, metrics=["accuracy"], jit_compile=jit)


def fit(
    model: keras.Model,
    recipe: Recipe,
    training: Cache,
    tuning: Cache,
    state: StateFolder,
    progress: Progress,
    report: Callable[[Progress, float], None],
    on_batch: Callable[[int, int], None],
) -> None:
    """Train a compiled model until the recipe's epochs or its patience end; leaves the best weights in it.

    Args:
        model: compiled, with open height and width.
        recipe: stages, patience and the rest.
        training: images to fit, at the recipe's final size.
        tuning: images for early stopping, at the recipe's final size.
        state: where the run is kept.
        progress: where it stands, as `state` loaded it; followed from epoch to epoch.
        report: called after every epoch with the progress and the seconds the epoch took.
        on_batch: called after every batch with the batches done and in all.

    Raises:
        StoppedError: a loss became NaN, or memory ran out; the state of the last good epoch is kept.
    """
    statistics = BatchNormStatistics(model) if recipe.batch_norm_images else None
    logs = tf.summary.create_file_writer(str(state.logs)) if find_spec("tensorboard") else None
    while not progress.finished:
        started = time.monotonic()
        stage = recipe.stage_at(progress.epoch)
        batches = training_batches(training, recipe, stage.size, progress.epoch)
        callback = _BatchCallback(on_batch, int(batches.cardinality()))
        try:
            fitted = model.fit(batches, epochs=1, verbose=0, shuffle=False, callbacks=[callback]).history
            if statistics is not None:
                statistics.estimate(plain_batches(training, stage.size, EVALUATION_BATCH, recipe.batch_norm_images))
            measured = model.evaluate(plain_batches(tuning, stage.size, EVALUATION_BATCH), verbose=0, return_dict=True)
        except tf.errors.ResourceExhaustedError as error:
            raise StoppedError(
                f"memory ran out in epoch {progress.epoch + 1}: {recipe.batch_size} images of {stage.size} px a step",
                key="batch_size",
            ) from error
        losses = fitted["loss"][0], measured["loss"]
        if not all(math.isfinite(loss) for loss in losses):
            raise StoppedError(
                f"the loss became {losses[0]} (tuning: {losses[1]}) in epoch {progress.epoch + 1}", key="learning_rate"
            )
        _advance(progress, recipe, stage.size, fitted, measured)
        state.save(progress, model)
        if logs is not None:
            _log(logs, progress.history[-1])
        report(progress, time.monotonic() - started)
    state.restore_best(progress, model)


def _advance(
    progress: Progress, recipe: Recipe, size: int, fitted: dict[str, list[float]], measured: dict[str, float]
) -> None:
    """Record one epoch; only epochs at the final size compete for the best weights."""
    progress.epoch += 1
    progress.history.append(
        {
            "epoch": progress.epoch,
            "size": size,
            "loss": fitted["loss"][0],
            "accuracy": fitted["accuracy"][0],
            "val_loss": measured["loss"],
            "val_accuracy": measured["accuracy"],
        }
    )
    in_last_stage = progress.epoch > recipe.epochs - recipe.stages[-1].epochs
    if in_last_stage and measured["loss"] < progress.best_loss:
        progress.best_loss, progress.best_epoch = measured["loss"], progress.epoch
    waited = progress.epoch - progress.best_epoch if progress.best_epoch else 0
    progress.finished = progress.epoch >= recipe.epochs or waited >= recipe.patience


def _log(logs: tf.summary.SummaryWriter, row: dict[str, float]) -> None:
    """Tell TensorBoard of an epoch."""
    with logs.as_default(step=int(row["epoch"])):
        for name in ("loss", "accuracy"):
            tf.summary.scalar(f"{name}/training", row[name])
            tf.summary.scalar(f"{name}/tuning", row[f"val_{name}"])
        tf.summary.scalar("input size", row["size"])
    logs.flush()


class _BatchCallback(keras.callbacks.Callback):
    def __init__(self, on_batch: Callable[[int, int], None], total: int) -> None:
        super().__init__()
        self._on_batch, self._total = on_batch, total

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        self._on_batch(batch + 1, self._total)
