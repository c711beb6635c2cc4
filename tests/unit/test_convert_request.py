"""Choosing targets, plans, calibration and parity."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from convert.calibration import sample_calibration
from convert.parity import check, compare
from convert.plan import FOLDER, load_plan
from convert.request import Target, select_targets
from convert.rewrites import REWRITES
from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.errors import DataError, FerEdgeError, UsageError
from fer_edge.manifest import Format, Precision
from tests.support.tiny_models import CONTRACT, write_folder


def test_default_matrix_has_ten_targets() -> None:
    targets, skipped = select_targets(None, None)
    assert len(targets) == len(set(targets)) == 10
    assert not skipped


def test_a_pair_that_does_not_exist_is_skipped_and_said() -> None:
    targets, skipped = select_targets([Format.ONNX, Format.TFLITE], [Precision.DYNAMIC, Precision.INT8])
    assert len(targets) == 3
    assert skipped == ["onnx has no dynamic precision: skipped"]


@pytest.mark.parametrize("formats", [[Format.OPENVINO], [Format.OPENVINO, Format.TFLITE]])
def test_a_named_format_or_precision_that_yields_nothing_is_refused(formats: list[Format]) -> None:
    with pytest.raises(UsageError, match="yields no artifact"):
        select_targets(formats, [Precision.DYNAMIC])


def test_file_names() -> None:
    assert Target(Format.OPENVINO, Precision.INT8).file_name("net") == "net-int8.xml"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda p: p.stem)
def test_plans_name_rewrites_that_exist(path: Path) -> None:
    plan = load_plan(path.stem)
    for part in (plan.tflite, plan.onnx, plan.openvino):
        assert set(part.rewrites) <= set(REWRITES)


def test_unknown_plan_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match="plain, resilient"):
        load_plan("magic")


@pytest.fixture
def images(tmp_path: Path) -> LabelledImages:
    return open_images(write_folder(tmp_path / "data", 12, seed=1), prefer="train", labels=CONTRACT.labels)


def test_calibration_is_exact_balanced_and_seeded(images: LabelledImages) -> None:
    first, again = (sample_calibration(images, CONTRACT, 9, None, seed=4) for _ in range(2))
    assert first.faces.shape == (9, 32, 32, 3)
    assert first.record == again.record
    assert first.record.count == len(first.record.images) == 9
    other = sample_calibration(images, CONTRACT, 9, None, seed=5)
    assert other.record.sha256 != first.record.sha256


def test_too_few_calibration_images_are_refused(images: LabelledImages) -> None:
    with pytest.raises(DataError, match="100 images were asked for and 36 are there"):
        sample_calibration(images, CONTRACT, 100, None, seed=0)


def test_calibration_that_overlaps_the_evaluation_is_refused(images: LabelledImages) -> None:
    with pytest.raises(DataError, match="also in the evaluation data"):
        sample_calibration(images, CONTRACT, 5, images, seed=0)


def _outputs(seed: int = 0) -> np.ndarray:
    raw = np.random.default_rng(seed).random((40, 3)).astype(np.float32)
    return np.asarray(raw / raw.sum(1, keepdims=True))


def test_parity_of_equal_outputs() -> None:
    parity = compare(_outputs(), _outputs())
    assert (parity.agreement, parity.max_probability_difference, parity.sqnr_db) == (1, 0, None)


def test_sqnr_of_known_noise() -> None:
    baseline = _outputs()
    parity = compare(baseline, baseline * np.float32(1.1))
    assert parity.sqnr_db == pytest.approx(20, abs=1e-3)


@pytest.mark.parametrize(
    ("candidate", "message"),
    [
        (np.tile(_outputs()[:1], (40, 1)), "same output"),
        (np.full((40, 3), np.nan, np.float32), "not finite"),
        (np.array([0.9, 0.05, 0.05], np.float32) + 0.02 * _outputs(3), "one label"),
    ],
    ids=["constant", "nan", "collapsed"],
)
def test_collapsed_outputs_are_errors(candidate: np.ndarray, message: str) -> None:
    with pytest.raises(FerEdgeError, match=message):
        check(_outputs(), candidate, Precision.INT8)


def test_a_float_artifact_must_be_the_same_function() -> None:
    baseline = _outputs()
    moved = (np.roll(baseline, 1, axis=0) * 0.1 + baseline * 0.9).astype(np.float32)
    check(baseline, moved, Precision.INT8)
    with pytest.raises(FerEdgeError, match="fp32 model differs"):
        check(baseline, moved, Precision.FP32)
