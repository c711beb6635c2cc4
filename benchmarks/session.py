"""Everything that a comparison needs, opened and checked before the first image is classified."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accuracy import refuse_calibration_images
from benchmarks.baseline import SavedPredictions, check_output
from benchmarks.models import Artifact, OpenedModel, open_artifact, open_full_precision
from benchmarks.request import VerifyRequest
from fer_edge.data.fingerprint import fingerprints
from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.errors import ArtifactError, EnvironmentFailure, UsageError
from fer_edge.evaluation.results import Skipped
from fer_edge.manifest import Fingerprint
from fer_edge.models import model_name
from fer_edge.optional import require


@dataclass(frozen=True)
class Session:
    """The opened models and data of one comparison.

    Attributes:
        baseline: an opened model, or what one predicted elsewhere.
        artifacts: those that this machine can run.
        skipped: those that it cannot.
        images: labelled in the baseline's order.
        prints: fingerprint of each image.
    """

    request: VerifyRequest
    baseline: OpenedModel | SavedPredictions
    artifacts: tuple[Artifact, ...]
    skipped: tuple[Skipped, ...]
    images: LabelledImages
    prints: list[Fingerprint]

    @property
    def exact(self) -> tuple[str, ...]:
        """The exact fingerprint of each image."""
        return tuple(p.exact for p in self.prints)


def open_session(request: VerifyRequest, stack: ExitStack) -> Session:
    """Open models and data; `stack` closes the models.

    Raises:
        FerEdgeError: a package, model or image is missing or wrong, labels differ, or images were calibrated on.
    """
    require("scipy.stats", extra="benchmark")
    if request.save_baseline is not None:
        check_output(request.save_baseline)
    baseline = _open_baseline(request, stack)
    artifacts, skipped = _open_artifacts(request, stack)
    for artifact in artifacts:
        check_labels(artifact, baseline.labels, "the baseline")
    images = open_images(request.data, prefer="test", labels=baseline.labels)
    prints = fingerprints(images)
    for artifact in artifacts:
        refuse_calibration_images(artifact.manifest, str(artifact.path), prints, images)
    session = Session(request, baseline, artifacts, skipped, images, prints)
    if isinstance(baseline, SavedPredictions):
        baseline.check_images(session.exact, images.targets, images.source)
    return session


def _open_baseline(request: VerifyRequest, stack: ExitStack) -> OpenedModel | SavedPredictions:
    if request.baseline.suffix == ".npz":
        return SavedPredictions.read(request.baseline)
    same_format = {path.suffix for path in request.models} == {request.baseline.suffix}
    model = open_full_precision(request.baseline, request.threads, request.runtime if same_format else None)
    stack.callback(model.backend.close)
    return model


def _open_artifacts(request: VerifyRequest, stack: ExitStack) -> tuple[tuple[Artifact, ...], tuple[Skipped, ...]]:
    """Open what this machine can run; a runtime that is not installed leaves its artifacts out, visibly.

    Raises:
        UsageError: no artifact was named, or a runtime for several formats.
        EnvironmentFailure: none of them can run here.
    """
    paths = request.models
    if not paths:
        raise UsageError("no artifact was given", "Name .tflite, .onnx or .xml files that fer-edge convert wrote")
    suffixes = sorted({path.suffix for path in paths})
    if request.runtime is not None and len(suffixes) > 1:
        raise UsageError(
            f"--runtime {request.runtime} is one format's, and the artifacts are {', '.join(suffixes)}",
            "Compare the formats one by one, or leave --runtime out",
        )
    artifacts: list[Artifact] = []
    failures: list[tuple[Path, EnvironmentFailure]] = []
    for path in paths:
        try:
            artifact = open_artifact(path, request.threads, request.runtime)
        except EnvironmentFailure as error:
            failures.append((path, error))
            continue
        stack.callback(artifact.backend.close)
        artifacts.append(artifact)
    if not artifacts:
        raise failures[0][1]
    return tuple(artifacts), tuple(Skipped(model_name(path), str(error), error.exit_code) for path, error in failures)


def check_labels(model: OpenedModel, labels: tuple[str, ...], reference: str) -> None:
    """Refuse a model whose labels are not those of `reference`, in the same order.

    Raises:
        ArtifactError: other labels.
    """
    if model.labels != labels:
        raise ArtifactError(
            f"{model.path} has the labels {', '.join(model.labels)}; {reference} has {', '.join(labels)}",
            "Compare models with the same labels in the same order",
        )
