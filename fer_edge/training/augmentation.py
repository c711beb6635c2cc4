"""Augmentation of whole batches inside the input graph."""

from __future__ import annotations

import math

import tensorflow as tf

from fer_edge.training.recipe import Augmentation


def augment(images: tf.Tensor, size: int, recipe: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Warp, blur, relight, make noisy and erase a batch, as lens, scene, sensor and hands do.

    Args:
        images: float32[N, h, w, C], 0-255.
        size: side of the result, pixels.
        recipe: ranges of the random changes.
        seed: int32[2]; the same seed gives the same result.

    Returns:
        float32[N, size, size, C], 0-255.
    """
    seeds = tf.unstack(tf.random.split(seed, 5))
    images = _warp(images, size, recipe, seeds[0])
    images = _blur(images, size, recipe.blur, seeds[1])
    images = _relight(images, recipe, seeds[2])
    images = _add_noise(images, recipe.noise, seeds[3])
    return _erase(images, recipe.erase_probability, seeds[4])


def _warp(images: tf.Tensor, size: int, recipe: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    """Rotate, shift, zoom, flip and resize in one bilinear step; what comes from outside repeats the nearest pixel."""
    count = tf.shape(images)[0]
    height, width = (tf.cast(tf.shape(images)[i], tf.float32) for i in (1, 2))
    angle_seed, shift_seed, zoom_seed, flip_seed = tf.unstack(tf.random.split(seed, 4))
    limit = math.radians(recipe.rotation_degrees)
    angle = tf.random.stateless_uniform([count], angle_seed, -limit, limit)
    shift = tf.random.stateless_uniform([count, 2], shift_seed, -recipe.shift, recipe.shift)
    zoom = tf.random.stateless_uniform([count], zoom_seed, *recipe.zoom)
    mirrored = tf.cast(tf.random.stateless_uniform([count], flip_seed) < 0.5 * float(recipe.flip), tf.float32)
    flip = 1 - 2 * mirrored
    # The operation maps an output pixel to an input pixel, both measured here from the centres of their images.
    across, down = width / size, height / size
    a, b = flip * tf.cos(angle) / zoom * across, -flip * tf.sin(angle) / zoom * across
    d, e = tf.sin(angle) / zoom * down, tf.cos(angle) / zoom * down
    middle = (size - 1) / 2
    c = (width - 1) / 2 + shift[:, 0] * width - (a + b) * middle
    f = (height - 1) / 2 + shift[:, 1] * height - (d + e) * middle
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=images,
        transforms=tf.stack([a, b, c, d, e, f, zero, zero], axis=1),
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="NEAREST",
    )


def _blur(images: tf.Tensor, size: int, limit: float, seed: tf.Tensor) -> tf.Tensor:
    """A Gaussian of its own for each image of one half, the other half untouched; edges are mirrored."""
    radius = min(math.ceil(3 * limit * size), size)
    if radius == 0:
        return images
    sigma = size * tf.maximum(tf.random.stateless_uniform([tf.shape(images)[0], 1], seed, -limit, limit), 1e-3)
    offsets = tf.range(-radius, radius + 1, dtype=tf.float32)[None]
    weights = tf.exp(-0.5 * tf.square(offsets / sigma))
    weights = (weights / tf.reduce_sum(weights, axis=1, keepdims=True))[..., None, None, None]
    down = tf.pad(images, [[0, 0], [radius, radius], [0, 0], [0, 0]], "SYMMETRIC")
    images = tf.add_n([weights[:, i] * down[:, i : i + size] for i in range(2 * radius + 1)])
    across = tf.pad(images, [[0, 0], [0, 0], [radius, radius], [0, 0]], "SYMMETRIC")
    return tf.add_n([weights[:, i] * across[:, :, i : i + size] for i in range(2 * radius + 1)])


def _relight(images: tf.Tensor, recipe: Augmentation, seed: tf.Tensor) -> tf.Tensor:
    shape = [tf.shape(images)[0], 1, 1, 1]
    first, second = tf.unstack(tf.random.split(seed, 2))
    contrast = tf.random.stateless_uniform(shape, first, 1 - recipe.contrast, 1 + recipe.contrast)
    brightness = tf.random.stateless_uniform(shape, second, -recipe.brightness, recipe.brightness) * 255
    mean = tf.reduce_mean(images, axis=[1, 2, 3], keepdims=True)
    return tf.clip_by_value((images - mean) * contrast + mean + brightness, 0.0, 255.0)


def _add_noise(images: tf.Tensor, limit: float, seed: tf.Tensor) -> tf.Tensor:
    """Gaussian noise of its own strength for each image of one half, the other half untouched."""
    if limit == 0:
        return images
    strength_seed, noise_seed = tf.unstack(tf.random.split(seed, 2))
    shape = tf.shape(images)
    strength = tf.maximum(tf.random.stateless_uniform([shape[0], 1, 1, 1], strength_seed, -limit, limit), 0)
    return tf.clip_by_value(images + 255 * strength * tf.random.stateless_normal(shape, noise_seed), 0.0, 255.0)


def _erase(images: tf.Tensor, probability: float, seed: tf.Tensor) -> tf.Tensor:
    """Random erasing (Zhong et al. 2017): one rectangle of 2 to 20 percent of the area, sides in ratio 1/2 to 2."""
    count, size = tf.shape(images)[0], tf.cast(tf.shape(images)[1], tf.float32)
    draw = tf.random.stateless_uniform([count, 6], seed)
    area = (0.02 + 0.18 * draw[:, 0]) * size * size
    ratio = tf.exp((2 * draw[:, 1] - 1) * math.log(2))
    height, width = tf.sqrt(area * ratio), tf.sqrt(area / ratio)
    top, left = draw[:, 2] * (size - height), draw[:, 3] * (size - width)
    grid = tf.range(size)
    rows = (grid >= top[:, None]) & (grid < (top + height)[:, None])
    columns = (grid >= left[:, None]) & (grid < (left + width)[:, None])
    chosen = draw[:, 4] < probability
    inside = (rows[:, :, None] & columns[:, None, :] & chosen[:, None, None])[..., None]
    return tf.where(inside, (draw[:, 5] * 255)[:, None, None, None], images)
