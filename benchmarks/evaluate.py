"""Evaluate: each model by itself, against the others, together with them, and against human raters."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.accuracy import predict_all, refuse_calibration_images, selecting_images
from benchmarks.models import Artifact, OpenedModel, open_model
from benchmarks.robustness import Robustness, measure_robustness
from benchmarks.session import check_labels
from fer_edge.data.fingerprint import fingerprints
from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.data.votes import Votes, read_votes
from fer_edge.errors import UsageError
from fer_edge.evaluation.classification import Classification, Estimate, Mistake, classify, confident_mistakes
from fer_edge.evaluation.crowd import rater_agreement, total_variation
from fer_edge.evaluation.pairs import Pair, compare_pairs
from fer_edge.models import resolve_model
from fer_edge.optional import require
from fer_edge.runtime.backends.base import Probabilities

ENSEMBLE = "ensemble"


@dataclass(frozen=True)
class EvaluationRequest:
    """What to evaluate.

    Attributes:
        models: as the user named them; `.bin` files beside OpenVINO's `.xml` are ignored.
        data: see `open_images`; the test subset is preferred.
        votes: CSV of the raters' votes (see `read_votes`), or None.
        robustness: whether to classify corrupted images too.
    """

    models: tuple[str, ...]
    data: str
    votes: Path | None
    robustness: bool


@dataclass(frozen=True)
class ModelEvaluation:
    """One model, or the ensemble, whose probabilities are the mean of the models'.

    Attributes:
        name: as the user named it.
        selected: how many of the images chose the model; above 0 the figures are not independent.
        sha256: of the checkpoint that it is, or comes from; "" for the ensemble.
        total_variation: distance to the crowd, with votes only.
        warnings: what the runtime warned of.
    """

    name: str
    scores: Classification
    mistakes: tuple[Mistake, ...]
    selected: int
    sha256: str
    total_variation: Estimate | None
    warnings: tuple[str, ...]


@dataclass(frozen=True)
class Evaluation:
    """What was found.

    Attributes:
        source: the data as the user named it.
        n: images.
        sha256: see `LabelledImages.sha256`.
        pairs: every two models.
        ensemble: None for a single model.
        votes_sha256: of the votes, "" without any.
        rater: see `rater_agreement`.
        robustness: one entry per corruption; empty where it was not asked for.
    """

    source: str
    n: int
    sha256: str
    models: tuple[ModelEvaluation, ...]
    pairs: tuple[Pair, ...]
    ensemble: ModelEvaluation | None
    votes_sha256: str
    rater: Estimate | None
    robustness: tuple[Robustness, ...]

    @property
    def all_models(self) -> tuple[ModelEvaluation, ...]:
        """The models, then the ensemble if there is one."""
        return self.models + ((self.ensemble,) if self.ensemble else ())


def evaluate(request: EvaluationRequest, say: Callable[[str], None]) -> Evaluation:
    """Classify the images with every model and compare.

    Raises:
        FerEdgeError: a package, model, image or vote is missing or wrong, labels differ, or images were calibrated on.
    """
    require("scipy.stats", extra="benchmark")
    say("[1/3] opening the models, checking the images against what the models were calibrated and chosen on")
    with ExitStack() as stack:
        models = _open(request.models, stack)
        labels = next(iter(models.values())).labels
        for model in models.values():
            check_labels(model, labels, next(iter(models)))
        images = open_images(request.data, prefer="test", labels=labels)
        votes = read_votes(request.votes, images) if request.votes else None
        prints = fingerprints(images)
        for name, model in models.items():
            if isinstance(model, Artifact):
                refuse_calibration_images(model.manifest, name, prints, images)
        say(f"[2/3] classifying {len(images)} images")
        probabilities = _predict(models, images, say)
        robustness: tuple[Robustness, ...] = ()
        if request.robustness:
            robustness = measure_robustness(
                lambda changed: _predict(models, changed, lambda _: None), images, probabilities, say
            )
    say("[3/3] resampling")
    selected = {name: selecting_images(model.selected_on, prints) for name, model in models.items()}
    selected[ENSEMBLE] = selecting_images((p for model in models.values() for p in model.selected_on), prints)
    return _evaluated(models, selected, images, votes, probabilities, robustness)


def _open(names: tuple[str, ...], stack: ExitStack) -> dict[str, OpenedModel]:
    opened = {}
    for name in dict.fromkeys(name for name in names if not name.endswith(".bin")):
        opened[name] = open_model(resolve_model(name))
        stack.callback(opened[name].backend.close)
    if not opened:
        raise UsageError("no model was given", "Name .keras, .tflite, .onnx or .xml files, or zoo:NAME")
    return opened


def _predict(
    models: dict[str, OpenedModel], images: LabelledImages, say: Callable[[str], None]
) -> dict[str, Probabilities]:
    """What every model says of the images and, of several, what they say together."""
    probabilities = {}
    for name, model in models.items():
        say(f"      {name}")
        probabilities[name] = predict_all(model.backend, images, name)
    if len(models) > 1:
        probabilities[ENSEMBLE] = np.mean(list(probabilities.values()), axis=0)
    return probabilities


def _evaluated(
    models: dict[str, OpenedModel],
    selected: dict[str, int],
    images: LabelledImages,
    votes: Votes | None,
    probabilities: dict[str, Probabilities],
    robustness: tuple[Robustness, ...],
) -> Evaluation:
    def scored(name: str) -> ModelEvaluation:
        given = probabilities[name]
        return ModelEvaluation(
            name=name,
            scores=classify(images.targets, given, images.labels),
            mistakes=confident_mistakes(images.names, images.targets, given, images.labels),
            selected=selected[name],
            sha256=models[name].source_sha256 if name in models else "",
            total_variation=total_variation(votes.shares, given) if votes else None,
            warnings=models[name].warnings if name in models else (),
        )

    return Evaluation(
        source=images.source,
        n=len(images),
        sha256=images.sha256(),
        models=tuple(scored(name) for name in models),
        pairs=compare_pairs(images.targets, {name: probabilities[name].argmax(axis=1) for name in models}),
        ensemble=scored(ENSEMBLE) if ENSEMBLE in probabilities else None,
        votes_sha256=votes.sha256 if votes else "",
        rater=rater_agreement(votes.counts, images.targets) if votes else None,
        robustness=robustness,
    )
