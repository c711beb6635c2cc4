"""Recognise an image again, exactly or nearly, without keeping it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt

from fer_edge.data.folder import LabelledImages
from fer_edge.manifest import Fingerprint
from fer_edge.preprocess import Image

# Of 256. On grey 48 px FER2013 faces: copies re-encoded as JPEG 50 to 80, resized, relit or with noise differ in at
# most 20, mostly under 8; a shift by one pixel costs 45; the most alike of 3,006 x 22,471 different faces differ in 24.
NEAR_DUPLICATE_BITS = 20


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
    """The fingerprint of every image, in order."""
    return [fingerprint(images.image(i)) for i in range(len(images))]


def combined_sha256(prints: Sequence[Fingerprint]) -> str:
    """Identify a list of images by their fingerprints."""
    return hashlib.sha256("".join(p.exact + p.perceptual for p in prints).encode()).hexdigest()


def overlap(first: Sequence[Fingerprint], second: Sequence[Fingerprint]) -> list[tuple[int, int]]:
    """Pairs (i, j) in which `second[j]` shows the same picture as `first[i]`: exactly, or within a few hash bits."""
    if not first or not second:
        return []
    by_exact: dict[str, list[int]] = {}
    for i, p in enumerate(first):
        by_exact.setdefault(p.exact, []).append(i)
    pairs = {(i, j) for j, p in enumerate(second) for i in by_exact.get(p.exact, [])}
    left, right = _bits(first), _bits(second)
    # |a xor b| = |a| + |b| - 2 |a and b|, for all pairs in one product
    distance = left.sum(1)[:, None] + right.sum(1)[None] - 2 * left @ right.T
    pairs.update((int(i), int(j)) for i, j in zip(*np.nonzero(distance <= NEAR_DUPLICATE_BITS), strict=True))
    return sorted(pairs)


def _bits(prints: Sequence[Fingerprint]) -> npt.NDArray[np.float32]:
    packed = np.frombuffer(bytes.fromhex("".join(p.perceptual for p in prints)), np.uint8)
    return np.unpackbits(packed).reshape(len(prints), -1).astype(np.float32)
