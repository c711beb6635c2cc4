"""Seeded, stratified selection of images."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fer_edge.errors import DataError

Indices = npt.NDArray[np.int64]


def stratified_split(targets: Indices, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Split so that each class keeps its share.

    Args:
        targets: int64[N], class of each image.
        fraction: part of each class that goes to the second list, 0-1; at least one image of each.
        seed: settles the choice.

    Returns:
        Two ascending lists of indices without overlap, together all of them.

    Raises:
        DataError: a class has a single image.
    """
    random = np.random.default_rng(seed)
    second = []
    for label in np.unique(targets):
        members = np.flatnonzero(targets == label)
        if len(members) < 2:
            raise DataError(f"class number {label} has {len(members)} image", "Add images: a split needs two at least")
        count = min(max(1, round(fraction * len(members))), len(members) - 1)
        second.append(random.permutation(members)[:count])
    chosen = np.sort(np.concatenate(second))
    return np.setdiff1d(np.arange(len(targets)), chosen), chosen


def balanced_sample(targets: Indices, count: int, seed: int) -> Indices:
    """Draw exactly `count` images with the classes as equal as they can be.

    Rounds go over the classes, one image each, so that classes too small to fill their share are topped up by others.

    Raises:
        DataError: there are fewer than `count` images.
    """
    if count > len(targets):
        raise DataError(f"{count} images were asked for and {len(targets)} are there", "Add images or ask for fewer")
    random = np.random.default_rng(seed)
    queues = [list(random.permutation(np.flatnonzero(targets == label))) for label in np.unique(targets)]
    chosen: list[int] = []
    while len(chosen) < count:
        for queue in queues:
            if queue and len(chosen) < count:
                chosen.append(int(queue.pop()))
    return np.sort(np.array(chosen, np.int64))
