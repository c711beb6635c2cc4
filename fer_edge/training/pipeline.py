"""From labelled images to batches: decoded and resized once into memory, augmented in the graph."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fer_edge.contract import InputContract
from fer_edge.data.folder import LabelledImages
from fer_edge.data.votes import Votes
from fer_edge.preprocess import Image
from fer_edge.training.augmentation import augment
from fer_edge.training.recipe import Augmentation, Recipe


@dataclass(frozen=True)
class Cache:
    """Preprocessed images of one subset.

    Attributes:
        pixels: uint8[N, H, W, C], 0-255, RGB; C is 1 where every image is grey.
        targets: float32[N, K], the probability of each label; rows sum to 1.
    """

    pixels: Image
    targets: npt.NDArray[np.float32]


def fill_cache(images: LabelledImages, contract: InputContract, votes: Votes | None = None) -> Cache:
    """Decode, resize and keep `images` at the contract's size; grey pictures keep one channel.

    Args:
        images: N labelled images, in the order of the cache.
        contract: settles size and resampling.
        votes: of these images, in this order; their shares become the targets. None takes the labels.

    Returns:
        The cache; `pixels` takes N x H x W bytes of memory for grey images, three times that for others; while it
        fills, up to four times.

    Raises:
        BadInputError, DataError: an image is missing, damaged or too large.
    """
    pixels = np.empty((len(images), contract.height, contract.width, 3), np.uint8)
    start = 0
    for batch in images.batches(contract):
        pixels[start : start + len(batch)] = batch
        start += len(batch)
    grey = all(np.array_equal(pixels[..., 0], pixels[..., c]) for c in (1, 2))
    targets = np.eye(len(images.labels), dtype=np.float32)[images.targets] if votes is None else votes.shares
    return Cache(pixels[..., :1].copy() if grey else pixels, targets)


def training_batches(cache: Cache, recipe: Recipe, size: int, epoch: int) -> tf.data.Dataset:
    """One epoch of shuffled, augmented batches; the epoch's number and the recipe's seed settle every random choice.

    Returns:
        Batches of (float32[n, size, size, 3] in 0-255, float32[n, K]); the last incomplete one is dropped
        where there is more than one.
    """
    random = np.random.default_rng((recipe.seed, epoch))
    order = random.permutation(len(cache.targets))
    batch = min(recipe.batch_size, len(order))
    starts = np.arange(0, len(order) - batch + 1, batch)
    seeds = random.integers(0, 2**31 - 1, (len(starts), 2), dtype=np.int32)

    def load(start: tf.Tensor) -> tuple[Image, npt.NDArray[np.float32]]:
        picked = order[int(start) : int(start) + batch]
        return cache.pixels[picked], cache.targets[picked]

    def make(start: tf.Tensor, seed: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        pixels, targets = tf.numpy_function(load, [start], (tf.uint8, tf.float32))
        pixels.set_shape((batch, *cache.pixels.shape[1:]))
        targets.set_shape((batch, cache.targets.shape[1]))
        changed = augment(tf.cast(pixels, tf.float32), size, recipe.augmentation, seed)
        return _three_channels(changed), targets

    dataset = tf.data.Dataset.from_tensor_slices((starts, seeds)).map(make, num_parallel_calls=2, deterministic=True)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(starts))).prefetch(2)


def plain_batches(cache: Cache, size: int, batch_size: int, limit: int | None = None) -> tf.data.Dataset:
    """Unaugmented batches, resized to `size`: all images in order, or `limit` at random, always the same ones.

    At random, because caches are sorted by class: batches of one class have smaller variances than the images have,
    which batch-norm statistics of such batches took over; it cost a DenseNet121 two points.

    Args:
        cache: the images.
        size: side of the batches' images, pixels.
        batch_size: images of a batch, the last of which may be smaller.
        limit: at most so many images; None takes all.

    Returns:
        Batches of (float32[n, size, size, 3], RGB in 0-255; float32[n, K]).
    """
    count = len(cache.targets)
    picked = np.arange(count) if limit is None else np.random.default_rng(0).permutation(count)[:limit]
    count = len(picked)

    def make(start: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        def load(begin: tf.Tensor) -> tuple[Image, npt.NDArray[np.float32]]:
            rows = picked[int(begin) : int(begin) + batch_size]
            return cache.pixels[rows], cache.targets[rows]

        pixels, targets = tf.numpy_function(load, [start], (tf.uint8, tf.float32))
        pixels.set_shape((None, *cache.pixels.shape[1:]))
        targets.set_shape((None, cache.targets.shape[1]))
        resized = augment(tf.cast(pixels, tf.float32), size, Augmentation(), tf.zeros(2, tf.int32))
        return _three_channels(resized), targets

    starts = np.arange(0, count, batch_size)
    dataset = tf.data.Dataset.from_tensor_slices(starts).map(make, num_parallel_calls=2, deterministic=True)
    return dataset.apply(tf.data.experimental.assert_cardinality(len(starts))).prefetch(2)


def _three_channels(images: tf.Tensor) -> tf.Tensor:
    images = tf.repeat(images, 3, axis=-1) if images.shape[-1] == 1 else images
    images.set_shape((None, None, None, 3))
    return images
