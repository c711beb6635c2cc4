from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from benchmarks.baseline import SavedPredictions
from benchmarks.job import verify
from benchmarks.request import VerifyRequest
from fer_edge.data.fingerprint import combined_sha256, fingerprint, fingerprints
from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.errors import (
    ArtifactError,
    BadInputError,
    DataError,
    MissingDependencyError,
    UsageError,
)
from fer_edge.evaluation.results import BenchmarkReport
from fer_edge.evaluation.verdict import Verdict
from fer_edge.manifest import Calibration, Fingerprint, Precision
from tests.support.comparison import SOURCE, Shelf, manifest, write_pictures
from tests.support.comparison import shelf as shelf
from tests.support.tiny_models import LABELS, make_contract

COUNT = 450


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_pictures(tmp_path_factory.mktemp("pictures"), COUNT)


@pytest.fixture(scope="module")
def images(pictures: Path) -> LabelledImages:
    return open_images(pictures, prefer="test", labels=LABELS)


def run(shelf: Shelf, pictures: Path, *names: str, baseline: str = "fp32.tflite", **changes: object) -> BenchmarkReport:
    request = VerifyRequest(tuple(Path(n) for n in names), Path(baseline), str(pictures))
    return verify(replace(request, **changes), lambda _: None)  # type: ignore[arg-type]


def calibrated(prints: list[Fingerprint]) -> Calibration:
    return Calibration(sha256=combined_sha256(prints), count=len(prints), images=tuple(prints))


def test_an_equal_model_is_non_inferior(shelf: Shelf, pictures: Path) -> None:
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8), executed="int8")
    report = run(shelf, pictures, "int8.tflite")
    (result,) = report.artifacts
    assert report.baseline.accuracy.accuracy == 1.0
    assert report.data.per_label == {"red": 150, "green": 150, "blue": 150}
    assert result.comparison.verdict is Verdict.NON_INFERIOR
    assert result.comparison.agreement == 1.0
    assert result.comparison.mcnemar_p == 1.0
    assert result.latency is None
    assert report.exit_code == 0
    assert all(backend.closed for backend in shelf.opened)


@pytest.mark.parametrize("broken", [{"scale": (0.1, 1, 1)}, {"order": (1, 0, 2)}])
def test_a_broken_model_is_inferior(shelf: Shelf, pictures: Path, broken: dict[str, object]) -> None:
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8), **broken)
    report = run(shelf, pictures, "int8.tflite")
    comparison = report.artifacts[0].comparison
    assert comparison.verdict is Verdict.INFERIOR
    assert comparison.delta_ci95.high < -0.2
    assert comparison.mcnemar_p < 1e-6
    assert "loses more than 1 points" in report.artifacts[0].reasons[0]
    assert report.exit_code == 3


def test_few_images_are_inconclusive_and_say_how_many_are_needed(shelf: Shelf, tmp_path: Path) -> None:
    shelf.put("fp32.tflite")
    report = run(shelf, write_pictures(tmp_path / "few", 30), "fp32.tflite")
    comparison = report.artifacts[0].comparison
    assert comparison.verdict is Verdict.INCONCLUSIVE
    assert comparison.required_n is not None
    assert str(comparison.required_n) in report.artifacts[0].reasons[0]
    assert report.exit_code == 7


def test_calibration_images_are_refused(shelf: Shelf, pictures: Path, images: LabelledImages) -> None:
    seen = fingerprints(images.take([3, 7]))
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8, calibration=calibrated(seen)))
    with pytest.raises(DataError, match="calibrated on") as caught:
        run(shelf, pictures, "int8.tflite")
    assert caught.value.exit_code == 8
    assert images.names[3] in str(caught.value)
    assert "--evaluation" in caught.value.remedy


def test_near_duplicates_of_calibration_images_are_refused(
    shelf: Shelf, pictures: Path, images: LabelledImages
) -> None:
    brighter = (images.image(5).astype(np.int16) + 2).clip(0, 255).astype(np.uint8)
    near = fingerprint(brighter)
    assert near.exact != fingerprint(images.image(5)).exact
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8, calibration=calibrated([near])))
    with pytest.raises(DataError, match="near-duplicates"):
        run(shelf, pictures, "int8.tflite")


def test_images_that_chose_the_model_prove_nothing(shelf: Shelf, pictures: Path, images: LabelledImages) -> None:
    chosen = SOURCE.model_copy(update={"selected_on": (fingerprint(images.image(0)).exact,)})
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8, source=chosen))
    report = run(shelf, pictures, "int8.tflite")
    assert report.artifacts[0].comparison.verdict is Verdict.SELECTED_ON_THIS_DATA
    assert "1 of the 450 images" in report.artifacts[0].reasons[0]
    assert report.exit_code == 7


def test_saved_predictions_stand_in_for_the_model(shelf: Shelf, pictures: Path, tmp_path: Path) -> None:
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8), order=(1, 0, 2))
    saved = tmp_path / "baseline.npz"
    first = run(shelf, pictures, "int8.tflite", save_baseline=saved)
    second = run(shelf, pictures, "int8.tflite", baseline=str(saved))
    assert second.baseline.kind == "predictions"
    assert second.baseline.accuracy == first.baseline.accuracy
    assert second.artifacts[0].comparison == first.artifacts[0].comparison
    assert [p.name for p in tmp_path.iterdir()] == ["baseline.npz"]


def test_saved_predictions_of_other_images_are_refused(shelf: Shelf, pictures: Path, tmp_path: Path) -> None:
    shelf.put("fp32.tflite")
    saved = tmp_path / "baseline.npz"
    run(shelf, pictures, "fp32.tflite", save_baseline=saved)
    other = write_pictures(tmp_path / "other", 12, seed=9)
    with pytest.raises(DataError, match=r"predicted 450 images and .* has 12: 0 images are in both"):
        run(shelf, other, "fp32.tflite", baseline=str(saved))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04broken", b"no archive"])
def test_a_damaged_file_of_predictions_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "baseline.npz"
    path.write_bytes(content)
    with pytest.raises(BadInputError, match="no saved baseline predictions"):
        SavedPredictions.read(path)


def test_pickled_predictions_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "baseline.npz"
    np.savez(path, schema_version=np.array([{}], dtype=object))
    with pytest.raises(BadInputError, match="no saved baseline predictions"):
        SavedPredictions.read(path)
    with pytest.raises(BadInputError, match="there is no file"):
        SavedPredictions.read(tmp_path / "absent.npz")


def test_a_quantized_baseline_is_refused(shelf: Shelf, pictures: Path) -> None:
    shelf.put("int8.tflite", manifest(Precision.INT8))
    with pytest.raises(UsageError, match="is int8"):
        run(shelf, pictures, "int8.tflite", baseline="int8.tflite")


def test_other_labels_are_refused(shelf: Shelf, pictures: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.put("fp32.tflite")
    shelf.put("other.tflite")
    load = shelf.load

    def relabelled(path: Path, **options: object) -> object:
        backend = load(path)
        if path.name == "other.tflite":
            backend.contract = make_contract().model_copy(update={"labels": ("green", "red", "blue")})
        return backend

    monkeypatch.setattr("benchmarks.models.load", relabelled)
    with pytest.raises(ArtifactError, match="green, red, blue"):
        run(shelf, pictures, "other.tflite")


def test_weights_beside_a_model_are_ignored(shelf: Shelf, pictures: Path) -> None:
    shelf.put("fp32.tflite")
    assert len(run(shelf, pictures, "fp32.tflite", "fp32.bin").artifacts) == 1
    with pytest.raises(UsageError, match="no artifact"):
        run(shelf, pictures, "fp32.bin")


def test_a_missing_runtime_leaves_its_artifacts_out_visibly(shelf: Shelf, pictures: Path) -> None:
    shelf.put("fp32.tflite")
    shelf.put("fp32.onnx")
    shelf.errors["fp32.onnx"] = MissingDependencyError("this command needs onnxruntime", "Install it")
    report = run(shelf, pictures, "fp32.tflite", "fp32.onnx")
    assert [s.path for s in report.skipped] == ["fp32.onnx"]
    assert report.exit_code == 4
    with pytest.raises(MissingDependencyError):
        run(shelf, pictures, "fp32.onnx")


def test_what_loading_warned_of_and_another_checkpoint_are_reasons(shelf: Shelf, pictures: Path) -> None:
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8, source=SOURCE.model_copy(update={"sha256": "f" * 64})))
    shelf.warnings["int8.tflite"] = "executed in fp16"
    reasons = run(shelf, pictures, "int8.tflite").artifacts[0].reasons
    assert reasons[0] == "executed in fp16"
    assert "not converted from the baseline's checkpoint" in reasons[1]


def test_outputs_that_are_no_numbers_leave_the_other_artifacts_judged(shelf: Shelf, pictures: Path) -> None:
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8), scale=(float("nan"), 1, 1))
    report = run(shelf, pictures, "int8.tflite", "fp32.tflite")
    assert [Path(a.path).name for a in report.artifacts] == ["fp32.tflite"]
    assert "not finite for 450 of 450" in report.skipped[0].reason
    assert report.exit_code == 8
