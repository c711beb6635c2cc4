"""Seeded, stratified selection of images."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt
from pydantic import TypeAdapter, ValidationError

from fer_edge.contract import Label
from fer_edge.data.fingerprint import fingerprint, same_photo
from fer_edge.data.folder import LabelledImages
from fer_edge.errors import BadInputError, DataError, UsageError

Indices = npt.NDArray[np.int64]

# Class folders that are no expression, compared without regard to case. Ahegao: in the published study's set, which
# drops it.
DROPPED_BY_DEFAULT = ("ahegao",)


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


def select_classes(
    images: LabelledImages, classes: Sequence[str] = (), rename: Mapping[str, str] | None = None
) -> tuple[LabelledImages, tuple[str, ...]]:
    """Rename class folders, and keep some classes.

    Args:
        images: labelled by their folders.
        classes: names to keep, after renaming; empty keeps all but `DROPPED_BY_DEFAULT`.
        rename: old name -> new; several may become one. A class that is renamed is not dropped by default.

    Returns:
        The images that are kept, and the classes that were dropped though nobody asked for it.

    Raises:
        UsageError: a name that is not there, or no fit name for a class.
    """
    rename = rename or {}
    _check_known("--rename", rename, images.labels)
    for new in rename.values():
        try:
            TypeAdapter(Label).validate_python(new)
        except ValidationError as error:
            raise UsageError(f"{new!r} is no name for a class", "Use 1 to 64 characters without slashes") from error
    dropped = tuple(
        name for name in images.labels if not classes and name not in rename and name.lower() in DROPPED_BY_DEFAULT
    )
    names = [rename.get(name, name) for name in images.labels]
    _check_known("--classes", classes, names)
    labels = tuple(
        sorted(set(classes or [n for n, old in zip(names, images.labels, strict=True) if old not in dropped]))
    )
    new_targets = np.array([labels.index(n) if n in labels else -1 for n in names], np.int64)[images.targets]
    kept = np.flatnonzero(new_targets >= 0)
    return replace(images.take(kept), labels=labels, targets=new_targets[kept]), dropped


def _check_known(option: str, wanted: Iterable[str], known: Sequence[str]) -> None:
    if unknown := [name for name in wanted if name not in known]:
        raise UsageError(
            f"{option}: there is no class {unknown[0]!r}", f"The classes are: {', '.join(sorted(set(known)))}"
        )


def grouped_split(images: LabelledImages, groups: Indices, fraction: float, seed: int) -> tuple[Indices, Indices]:
    """Split so that each class keeps its share and no group is torn.

    Groups come in random order and go to the second list where that brings the classes nearer to their shares.

    Args:
        images: give the class of each.
        groups: int64[N], the same number for images that must stay together (see `same_photo`).
        fraction: part of each class that goes to the second list, 0-1; at least one image stays on each side.
        seed: settles the choice.

    Returns:
        Two ascending lists of indices without overlap, together all of them.

    Raises:
        DataError: the images of a class cannot be on both sides.
    """
    random = np.random.default_rng(seed)
    _, group = np.unique(groups, return_inverse=True)
    counts = np.zeros((int(group.max()) + 1, len(images.labels)), np.int64)
    np.add.at(counts, (group, images.targets), 1)
    left = counts.sum(axis=0)
    missing = np.clip(np.rint(fraction * left).astype(np.int64), 1, np.maximum(left - 1, 1))
    chosen = np.zeros(len(counts), bool)

    def take(number: int) -> None:
        nonlocal left, missing
        chosen[number] = True
        left, missing = left - counts[number], missing - counts[number]

    def leaves_some(number: int) -> bool:
        return bool((left > counts[number])[counts[number] > 0].all())

    for number in random.permutation(len(counts)).tolist():
        if np.abs(missing - counts[number]).sum() < np.abs(missing).sum() and leaves_some(number):
            take(number)
    for target, label in enumerate(images.labels):
        if counts[chosen, target].any():
            continue
        fit = [n for n in np.flatnonzero(counts[:, target]).tolist() if leaves_some(n)]
        if not fit:
            raise DataError(
                f"class {label!r} cannot be on both sides: it has one image, or photos that are alike",
                "Add images, or leave the class out with --classes",
            )
        take(min(fit, key=lambda n: int(counts[n].sum())))
    second = chosen[group]
    return np.flatnonzero(~second), np.flatnonzero(second)


def split_by_photo(
    images: LabelledImages, fraction: float, seed: int, report: Callable[[int], None] = lambda done: None
) -> tuple[LabelledImages, LabelledImages]:
    """Split so that each class keeps its share and all copies of a photo are on one side.

    Args:
        images: what to split.
        fraction: part that goes to the second set, 0-1.
        seed: settles the choice.
        report: told how many images were read.

    Raises:
        DataError: an unreadable image, a single class, or a class that cannot be on both sides.
    """
    if len(images.labels) < 2:
        raise DataError(f"{images.source} has one class: {', '.join(images.labels)}", "Give two at least")
    prints = []
    for index in range(len(images)):
        try:
            prints.append(fingerprint(images.image(index)))
        except BadInputError as error:
            remedy = (
                f"fer-edge data audit --data {shlex.quote(images.source)} --fix clean.json leaves it out; split that"
            )
            raise DataError(error.message, remedy) from error
        report(index + 1)
    first, second = grouped_split(images, same_photo(prints), fraction, seed)
    return images.take(first), images.take(second)
