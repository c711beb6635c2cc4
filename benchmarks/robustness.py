"""What is left of models' accuracy on photos in trouble (`fer_edge.data.corruption`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from fer_edge.data.corruption import CORRUPTIONS, corrupted
from fer_edge.data.folder import LabelledImages
from fer_edge.evaluation.classification import Estimate, accuracy_change, accuracy_estimate
from fer_edge.runtime.backends.base import Probabilities


@dataclass(frozen=True)
class Robustness:
    """Models under one corruption.

    Attributes:
        corruption: see `Corruption.name`.
        accuracy: model -> fraction, with Wilson's interval.
        delta_accuracy: model -> accuracy minus that on the same photos untouched, with its paired interval.
    """

    corruption: str
    accuracy: Mapping[str, Estimate]
    delta_accuracy: Mapping[str, Estimate]


def measure_robustness(
    predict: Callable[[LabelledImages], Mapping[str, Probabilities]],
    images: LabelledImages,
    clean: Mapping[str, Probabilities],
    say: Callable[[str], None],
) -> tuple[Robustness, ...]:
    """Classify the images under every corruption.

    Args:
        predict: gives what every model, by its name, says of images: float32[N, K].
        images: the photos untouched.
        clean: what `predict` gave for them.
        say: told of each corruption when its work begins.
    """
    before = {name: given.argmax(axis=1) == images.targets for name, given in clean.items()}
    found = []
    for corruption in CORRUPTIONS:
        say(f"      {corruption.name}")
        given = predict(corrupted(images, corruption))
        right = {name: p.argmax(axis=1) == images.targets for name, p in given.items()}
        found.append(
            Robustness(
                corruption.name,
                accuracy={name: accuracy_estimate(r) for name, r in right.items()},
                delta_accuracy={name: accuracy_change(before[name], r) for name, r in right.items()},
            )
        )
    return tuple(found)
