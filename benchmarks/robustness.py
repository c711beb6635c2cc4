"""What is left of models' accuracy on photos in trouble (`fer_edge.data.corruption`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from benchmarks.accuracy import predict_all
from fer_edge.data.corruption import CORRUPTIONS, corrupted
from fer_edge.data.folder import LabelledImages
from fer_edge.evaluation.classification import Estimate
from fer_edge.evaluation.statistics import accuracy_difference_interval, wilson_interval
from fer_edge.runtime.backends.base import Backend, Probabilities


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
    backends: Mapping[str, Backend],
    images: LabelledImages,
    clean: Mapping[str, Probabilities],
    ensemble: str | None,
    say: Callable[[str], None],
) -> tuple[Robustness, ...]:
    """Classify the images under every corruption.

    Args:
        backends: by the models' names.
        images: the photos untouched.
        clean: model -> float32[N, K] on them, the ensemble included if there is one.
        ensemble: its name, for the mean of all models; None for none.
        say: told of each corruption when its work begins.
    """
    found = []
    for corruption in CORRUPTIONS:
        say(f"      {corruption.name}")
        changed = corrupted(images, corruption)
        given = {name: predict_all(backend, changed, name) for name, backend in backends.items()}
        if ensemble:
            given[ensemble] = np.mean(list(given.values()), axis=0)
        right = {name: p.argmax(axis=1) == images.targets for name, p in given.items()}
        before = {name: clean[name].argmax(axis=1) == images.targets for name in given}
        found.append(
            Robustness(
                corruption.name,
                {name: Estimate(float(r.mean()), wilson_interval(int(r.sum()), len(r))) for name, r in right.items()},
                {
                    name: Estimate(float(r.mean() - before[name].mean()), accuracy_difference_interval(before[name], r))
                    for name, r in right.items()
                },
            )
        )
    return tuple(found)
