"""Batch-norm statistics that can be trusted."""

from __future__ import annotations

import keras
import numpy as np
import tensorflow as tf


def reestimate_batch_norm(model: keras.Model, batches: tf.data.Dataset) -> None:
    """Replace the moving averages of every batch norm by the mean over `batches` ("precise BN", Wu and Johnson 2021).

    Moving averages lag behind the weights in short trainings: a DenseNet121 after two epochs from scratch scored 68%
    with the statistics of its batches and 38% with its moving averages.
    """
    layers = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    if not layers:
        return
    momenta = [layer.momentum for layer in layers]
    for layer in layers:
        layer.momentum = 0.0  # every pass then leaves that batch's own statistics behind

    @tf.function
    def forward(images: tf.Tensor) -> None:
        model(images, training=True)

    variables = [v for layer in layers for v in (layer.moving_mean, layer.moving_variance)]
    sums = [np.zeros(v.shape, np.float64) for v in variables]
    count = 0
    try:
        for images, _ in batches:
            forward(images)
            for total, variable in zip(sums, variables, strict=True):
                total += variable.numpy()
            count += 1
    finally:
        for layer, momentum in zip(layers, momenta, strict=True):
            layer.momentum = momentum
    for total, variable in zip(sums, variables, strict=True):
        variable.assign((total / count).astype(np.float32))
