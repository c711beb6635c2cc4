"""What a recipe with ImageNet weights does where they cannot be had."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import keras

from fer_edge.errors import DownloadError
from fer_edge.training.backbones import imagenet_layers
from fer_edge.training.recipe import Recipe

FALLBACK = "none, for the ImageNet weights could not be downloaded"


def with_initial_weights(
    recipe: Recipe, overrides: dict[str, str], architectures: Iterable[str], say: Callable[[str], None]
) -> tuple[Recipe, dict[str, str]]:
    """Download a recipe's ImageNet weights before any training, or start all networks from random weights without them.

    The study does not say what its networks started from, so a recipe's ImageNet weights are our reading, and random
    ones are another. All networks of one comparison start alike. Weights that the command line asked for are no
    reading: where they cannot be had, the training stops.

    Args:
        recipe: with the command line's overrides in it.
        overrides: those overrides.
        architectures: the networks to train.
        say: told aloud what is done.

    Returns:
        Recipe and overrides, changed and for the record where a download failed.

    Raises:
        DownloadError: it failed, and the command line asked for these weights.
    """
    if recipe.weights != "imagenet":
        return recipe, overrides
    try:
        for architecture in architectures:
            imagenet_layers(architecture)
    except DownloadError as error:
        if "weights" in overrides:
            raise
        say(
            f"{error.message}. Training starts from random weights instead, as with --weights none; checkpoint and "
            "model card will say so. To go on with this run later give --weights none. For ImageNet weights, give the "
            "command again with --overwrite where the internet is reached"
        )
        return recipe.model_copy(update={"weights": "none"}), {**overrides, "weights": FALLBACK}
    finally:
        keras.backend.clear_session()
    return recipe, overrides
