"""Which images a training fits, and which it keeps for tuning."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from fer_edge.checkpoint import read_checkpoint_info
from fer_edge.data.fingerprint import fingerprints, same_photo
from fer_edge.data.folder import LabelledImages
from fer_edge.data.split import balanced_sample, grouped_split
from fer_edge.errors import DataError
from fer_edge.manifest import Fingerprint
from fer_edge.models import resolve_model
from fer_edge.training.recipe import Recipe


@dataclass(frozen=True)
class Part:
    """Images, and the fingerprint of each."""

    images: LabelledImages
    prints: list[Fingerprint]


def training_parts(
    images: LabelledImages,
    tuning: LabelledImages | None,
    limit: int | None,
    recipe: Recipe,
    say: Callable[[str], None],
) -> tuple[Part, Part]:
    """The images to fit and those for tuning.

    Args:
        images: to fit.
        tuning: for tuning; None takes the recipe's part of `images`, with all copies of a photo on one side.
        limit: use at most this many of `images`, and of `tuning`, classes balanced; None uses all.
        recipe: its seed settles what is taken.
        say: warned of copies of fitted photos among `tuning`.

    Raises:
        DataError: an unreadable image, or a class that cannot be on both sides.
    """
    images = _limited(images, limit, recipe.seed)
    prints = fingerprints(images)
    if tuning is not None:
        tuning = _limited(tuning, limit, recipe.seed)
        fitted, kept = Part(images, prints), Part(tuning, fingerprints(tuning))
        _warn_of_copies(fitted, kept, say)
        return fitted, kept
    try:
        first, second = grouped_split(images, same_photo(prints), recipe.tuning_fraction, recipe.seed)
    except DataError as error:
        raise DataError(error.message, f"{error.remedy}, or put tuning images of your choice under tuning/") from error
    return Part(images.take(first), [prints[i] for i in first]), Part(images.take(second), [prints[i] for i in second])


def _warn_of_copies(fitted: Part, kept: Part, say: Callable[[str], None]) -> None:
    group = same_photo([*fitted.prints, *kept.prints])
    if copies := int(np.isin(group[len(fitted.prints) :], group[: len(fitted.prints)]).sum()):
        say(
            f"warning: {copies} of the {len(kept.prints)} tuning images show a photo that is fitted too, so their "
            "accuracy will be too high; fer-edge data audit names them"
        )


def _limited(images: LabelledImages, limit: int | None, seed: int) -> LabelledImages:
    if limit is None or limit >= len(images):
        return images
    return images.take(balanced_sample(images.targets, limit, seed))


def choosing_images(weights: str, tuning: Part, say: Callable[[str], None]) -> tuple[str, ...]:
    """The exact fingerprints of all images that choose a model: those for tuning, and those that chose its `weights`.

    Args:
        weights: "none", "imagenet" or a checkpoint.
        tuning: this training's.
        say: warned where only some of the tuning images chose the weights; the others may be what they were fitted to.
    """
    own = [p.exact for p in tuning.prints]
    info = None if weights in ("none", "imagenet") else read_checkpoint_info(resolve_model(weights))
    if info is None or info.training is None:
        return tuple(own)
    inherited = set(info.training.tuning)
    if 0 < (shared := sum(p in inherited for p in own)) < len(own):
        say(
            f"warning: {weights} was chosen by {shared} of these {len(own)} tuning images and may have been fitted to "
            "the others, so that their accuracy would be too high. Give the split.json of that run as --data to keep "
            "its parts"
        )
    return tuple(dict.fromkeys([*own, *info.training.tuning]))
