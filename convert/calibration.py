"""The images to quantize with: real ones, class-balanced, never those of the evaluation."""

from __future__ import annotations

from dataclasses import dataclass

from fer_edge.contract import InputContract
from fer_edge.data.fingerprint import combined_sha256, fingerprints, overlap
from fer_edge.data.folder import LabelledImages
from fer_edge.data.split import balanced_sample
from fer_edge.errors import DataError
from fer_edge.manifest import Calibration
from fer_edge.preprocess import Image


@dataclass(frozen=True)
class CalibrationSet:
    """Sampled images.

    Attributes:
        faces: uint8[count, H, W, 3], preprocessed.
        record: what the artifact remembers of them.
    """

    faces: Image
    record: Calibration


def sample_calibration(
    images: LabelledImages, contract: InputContract, count: int, evaluation: LabelledImages | None, seed: int
) -> CalibrationSet:
    """Draw exactly `count` images, as many of each class as there are.

    Raises:
        DataError: fewer than `count` images, or one of them (or a near-duplicate) is among `evaluation`.
    """
    chosen = images.take(balanced_sample(images.targets, count, seed))
    prints = fingerprints(chosen)
    if evaluation is not None:
        pairs = overlap(prints, fingerprints(evaluation))
        if pairs:
            i, j = pairs[0]
            raise DataError(
                f"{len({p[0] for p in pairs})} calibration images are also in the evaluation data, exactly or nearly "
                f"(such as {chosen.names[i]} and {evaluation.names[j]})",
                "Calibrate on other images than those you evaluate on, for example DATA#train and DATA#test",
            )
    faces = chosen.array(contract)
    if len(faces) != count:
        raise DataError(f"{len(faces)} calibration images were read, not {count}", "Ask for fewer")
    record = Calibration(sha256=combined_sha256(prints), count=count, images=tuple(prints))
    return CalibrationSet(faces, record)
