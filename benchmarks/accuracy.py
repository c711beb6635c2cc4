"""How right the models are on the same images, and whether that may be concluded from these images."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt

from fer_edge.data.fingerprint import overlap
from fer_edge.data.folder import LabelledImages
from fer_edge.errors import ArtifactError, DataError
from fer_edge.evaluation.classification import accuracy_change, classify
from fer_edge.evaluation.metrics import agreement
from fer_edge.evaluation.results import AccuracyResult, Comparison
from fer_edge.evaluation.statistics import mcnemar_p
from fer_edge.evaluation.verdict import Verdict, decide, required_n
from fer_edge.manifest import Fingerprint, Manifest
from fer_edge.runtime.backends.base import Backend, Probabilities

EXAMPLES = 3

Targets = npt.NDArray[np.int64]


def predict_all(backend: Backend, images: LabelledImages, name: str) -> Probabilities:
    """Classify every image.

    Args:
        backend: an opened model.
        images: N images with the model's labels.
        name: of the model, for errors.

    Returns:
        float32[N, K], probabilities.

    Raises:
        ArtifactError: the model gives outputs that are not finite.
    """
    probabilities = np.concatenate([backend.predict(faces) for faces in images.batches(backend.contract)])
    broken = int((~np.isfinite(probabilities)).any(axis=1).sum())
    if broken:
        raise ArtifactError(
            f"{name} gives outputs that are not finite for {broken} of {len(images)} images", "Convert the model again"
        )
    return probabilities


def measure(targets: Targets, probabilities: Probabilities) -> AccuracyResult:
    """Score one model's predictions.

    Args:
        targets: int64[N].
        probabilities: float32[N, K].
    """
    found = classify(targets, probabilities, [str(i) for i in range(probabilities.shape[1])])
    return AccuracyResult(
        n=found.n,
        accuracy=found.accuracy.value,
        accuracy_ci95=found.accuracy.ci95,
        macro_f1=found.macro_f1.value,
        macro_f1_ci95=found.macro_f1.ci95,
        ece=found.ece,
    )


def compare(
    targets: Targets, baseline: Probabilities, candidate: Probabilities, margin: float, selected: bool
) -> Comparison:
    """Judge a candidate against the baseline.

    Args:
        targets: int64[N].
        baseline: float32[N, K].
        candidate: float32[N, K], the same images.
        margin: acceptable loss of accuracy, as a fraction.
        selected: whether some of the images chose the model.
    """
    first, second = baseline.argmax(axis=1), candidate.argmax(axis=1)
    right_first, right_second = first == targets, second == targets
    change = accuracy_change(right_first, right_second)
    verdict = Verdict.SELECTED_ON_THIS_DATA if selected else decide(change.ci95, margin)
    undecided = verdict is Verdict.INCONCLUSIVE
    needed = required_n(change.value, change.ci95, margin, len(targets)) if undecided else None
    p = mcnemar_p(right_first, right_second)
    return Comparison(change.value, change.ci95, p, agreement(first, second), verdict, needed)


def refuse_calibration_images(
    manifest: Manifest, name: str, prints: Sequence[Fingerprint], images: LabelledImages
) -> None:
    """Refuse data that shows pictures which set the artifact's quantization ranges.

    Raises:
        DataError: exact or near duplicates of calibration images.
    """
    pairs = overlap(manifest.calibration.images, prints) if manifest.calibration else []
    if not pairs:
        return
    seen = sorted({j for _, j in pairs})
    examples = ", ".join(images.names[j] for j in seen[:EXAMPLES])
    raise DataError(
        f"{name} was calibrated on {len(seen)} of the {len(images)} images of {images.source} (or near-duplicates), "
        f"such as {examples}",
        "Evaluate on other images, leave those out, or convert again with other calibration images; "
        f"fer-edge convert ... --evaluation {images.source} names such pairs before any work",
    )


def selecting_images(selected_on: Iterable[str], prints: Sequence[Fingerprint]) -> int:
    """How many of the images chose the model (early stopping): nothing measured on them is independent.

    Args:
        selected_on: exact fingerprints of the images that chose it.
        prints: of the images in question.
    """
    chosen = set(selected_on)
    return sum(p.exact in chosen for p in prints)
