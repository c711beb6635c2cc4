"""Recognise an image again, exactly or nearly, without keeping it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from fer_edge.data.folder import LabelledImages
from fer_edge.manifest import Fingerprint
from fer_edge.preprocess import Image

Indices: TypeAlias = npt.NDArray[np.int64]
Signs: TypeAlias = npt.NDArray[np.float32]

# Both of 256 bits. On grey 48 px FER2013 faces, copies re-encoded as JPEG 50 to 80, resized, relit or with noise differ
# in at most 20, mostly under 8.
NEAR_DUPLICATE_BITS = 20
# A photo that was cropped otherwise by a pixel, or got a watermark, differs in up to 50. Among all pairs of 25,477 such
# faces, looked at by eye, up to 36 at each distance, all to 52 bits showed one photo twice; at 56 to 62, 4 of 144 did
# not, at 66 a third. Two drawn faces of ours (4.5 million pairs) differ in 46 at least.
SAME_PHOTO_BITS = 48
BLOCK = 2048  # images; a block of distances has its square, 16 MB


def fingerprint(image: Image) -> Fingerprint:
    """Hash the pixels exactly, and the coarse brightness pattern perceptually.

    The perceptual hash says for each of the 16x16 lowest DCT frequencies of the 64x64 luma (the constant one left out
    of the median) whether it exceeds their median: Zauner, "Implementation and Benchmarking of Perceptual Image Hash
    Functions", 2010, with 256 bits in place of 64, since aligned faces resemble each other.

    Args:
        image: uint8[H, W, 3], RGB.
    """
    exact = hashlib.sha256(repr(image.shape).encode() + image.tobytes()).hexdigest()[:16]
    luma = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    small = cv2.resize(luma, (64, 64), interpolation=cv2.INTER_AREA).astype(np.float32)
    low = cv2.dct(small)[:16, :16].ravel()
    bits = low > np.median(low[1:])
    return Fingerprint(exact=exact, perceptual=np.packbits(bits).tobytes().hex())


def fingerprints(images: LabelledImages) -> list[Fingerprint]:
    """The fingerprint of every image, in order; errors are those of `LabelledImages.image`."""
    return [fingerprint(images.image(i)) for i in range(len(images))]


def combined_sha256(prints: Sequence[Fingerprint]) -> str:
    """Identify a list of images by their fingerprints."""
    return hashlib.sha256("".join(p.exact + p.perceptual for p in prints).encode()).hexdigest()


def overlap(first: Sequence[Fingerprint], second: Sequence[Fingerprint]) -> list[tuple[int, int]]:
    """Pairs (i, j) in which `second[j]` shows the same picture as `first[i]`: exactly, or within a few hash bits.

    Args:
        first: in any order; i counts from 0.
        second: likewise for j.

    Returns:
        The pairs, sorted, each once.
    """
    if not first or not second:
        return []
    by_exact: dict[str, list[int]] = {}
    for i, p in enumerate(first):
        by_exact.setdefault(p.exact, []).append(i)
    pairs = {(i, j) for j, p in enumerate(second) for i in by_exact.get(p.exact, [])}
    for left, right in _near(_signs(first), _signs(second), NEAR_DUPLICATE_BITS):
        pairs.update(zip(left.tolist(), right.tolist(), strict=True))
    return sorted(pairs)


def same_photo(prints: Sequence[Fingerprint]) -> Indices:
    """Group the images that show the same photo, directly or through others.

    Returns:
        int64[N]: for each image the smallest index in its group; its own where it is alone.
    """
    group = np.arange(len(prints), dtype=np.int64)
    if len(prints) < 2:
        return group
    signs = _signs(prints)
    for start in range(0, len(prints), BLOCK):
        for i, j in _near(signs[start : start + BLOCK], signs[start:], SAME_PHOTO_BITS):
            _connect(group, i + start, j + start)
    return group


def _connect(group: Indices, i: Indices, j: Indices) -> None:
    """Join the groups of `i[k]` and `j[k]` for every k, in place; an entry points to the smallest of its group."""
    while (apart := group[i] != group[j]).any():
        i, j = i[apart], j[apart]
        smaller = np.minimum(group[i], group[j])
        np.minimum.at(group, group[i], smaller)
        np.minimum.at(group, group[j], smaller)
        while (group != group[group]).any():
            group[:] = group[group]


def _near(left: Signs, right: Signs, most_bits: int) -> Iterator[tuple[Indices, Indices]]:
    """Indices (i, j) of all pairs that differ in no more than `most_bits`, block by block."""
    least = left.shape[1] - 2 * most_bits  # the product of two rows of signs is what agrees less what differs
    for start in range(0, len(left), BLOCK):
        for other in range(0, len(right), BLOCK):
            i, j = np.nonzero(left[start : start + BLOCK] @ right[other : other + BLOCK].T >= least)
            yield i + start, j + other


def _signs(prints: Sequence[Fingerprint]) -> Signs:
    """float32[N, 256]: 1 for a set bit, -1 for another."""
    packed = np.frombuffer(bytes.fromhex("".join(p.perceptual for p in prints)), np.uint8)
    return np.unpackbits(packed).reshape(len(prints), -1).astype(np.float32) * 2 - 1
