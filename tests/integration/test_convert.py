"""A seven-class model through everything, and what must not get through."""

from __future__ import annotations

import json
import shutil
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import pytest

import fer_edge
from convert.plan import FormatPlan, Plan
from convert.targets.base import FloatGraphs
from convert.targets.onnx import OnnxTarget
from convert.targets.tflite import TfliteTarget
from fer_edge import models
from fer_edge.artifact import payload_sha256, read_manifest
from fer_edge.cli import execute
from fer_edge.manifest import Format, Precision
from tests.support.tiny_models import build_keras, make_contract, write_checkpoint, write_folder

CLASSES = 7
NAMES = {f"seven-{p}.tflite" for p in ("fp32", "fp16", "dynamic", "int8")} | {
    f"seven-{p}.{s}" for p in ("fp32", "fp16", "int8") for s in ("onnx", "xml")
}


@pytest.fixture(scope="module")
def seven(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with seven.keras, faces/train, faces/test and the ten artifacts in out/."""
    folder = tmp_path_factory.mktemp("seven")
    write_checkpoint(build_keras(CLASSES), folder / "seven.keras", make_contract(CLASSES))
    write_folder(folder / "faces" / "train", 10, seed=1, classes=CLASSES)
    write_folder(folder / "faces" / "test", 20, seed=2, classes=CLASSES)
    assert _convert(folder, folder / "out") == 0
    return folder


def _convert(folder: Path, out: Path, *options: str) -> int:
    data = str(folder / "faces")
    call = ["convert", str(folder / "seven.keras"), "--calibration", data, "--calibration-count", "40"]
    return execute([*call, "--out", str(out), *options])


def _names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir() if path.suffix != ".bin"}


def test_ten_artifacts_carry_the_seven_labels(seven: Path) -> None:
    assert _names(seven / "out") == NAMES
    for name in NAMES:
        manifest = read_manifest(seven / "out" / name)
        assert manifest.contract == make_contract(CLASSES)
        assert manifest.parity.agreement > (0.5 if manifest.precision is Precision.INT8 else 0.95)
        saturating = manifest.precision is Precision.INT8 and manifest.format is not Format.OPENVINO
        assert any(step.startswith("saturate-outliers: ") for step in manifest.steps) == saturating
        assert (manifest.calibration is None) == (manifest.precision is not Precision.INT8)
        with fer_edge.load(seven / "out" / name) as model:
            face = fer_edge.read_image(next((seven / "faces" / "test").rglob("*.png")))
            assert model.predict(fer_edge.preprocess(face, model.contract)[None]).shape == (1, CLASSES)


def test_verify_judges_the_seven_classes(seven: Path, capsys: pytest.CaptureFixture[str]) -> None:
    artifacts = [str(seven / "out" / name) for name in sorted(NAMES)]
    baseline = ["--baseline", str(seven / "seven.keras"), "--data", str(seven / "faces")]
    assert execute(["verify", *artifacts, *baseline, "--margin", "60", "--json"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert {a["verdict"] for a in document["artifacts"]} == {"NON_INFERIOR"}
    assert len(document["artifacts"]) == 10


def test_an_int8_artifact_broken_on_purpose_is_inferior(
    seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Ranges calibrated on pixels of the wrong scale saturate every activation."""
    original = OnnxTarget.convert

    def wrong_scale(
        self: OnnxTarget, graphs: FloatGraphs, precision: Precision, plan: FormatPlan, path: Path
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        darkened = replace(graphs.calibration, faces=graphs.calibration.faces // 8)
        return original(self, replace(graphs, calibration=darkened), precision, plan, path)

    monkeypatch.setattr(OnnxTarget, "convert", wrong_scale)
    assert _convert(seven, tmp_path, "--to", "onnx", "--precision", "int8") == 0
    artifact = str(tmp_path / "seven-int8.onnx")
    assert execute(["verify", artifact, "--baseline", str(seven / "seven.keras"), "--data", str(seven / "faces")]) == 3
    assert "INFERIOR" in capsys.readouterr().err


def test_dim_calibration_images_still_give_an_input_of_whole_grey_levels(seven: Path, tmp_path: Path) -> None:
    for path in (seven / "faces" / "train").rglob("*.png"):
        dim = tmp_path / "dim" / path.parent.name / path.name
        dim.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(dim), fer_edge.read_image(path)[..., ::-1] // 3 + 40)
    call = ["convert", str(seven / "seven.keras"), "--calibration", str(tmp_path / "dim"), "--calibration-count", "40"]
    assert execute([*call, "--to", "tflite", "--precision", "int8", "--out", str(tmp_path / "out")]) == 0
    fer_edge.load(tmp_path / "out" / "seven-int8.tflite").close()


def test_existing_artifacts_are_kept_unless_told(seven: Path, tmp_path: Path) -> None:
    shutil.copytree(seven / "out", tmp_path, dirs_exist_ok=True)
    before = (tmp_path / "seven-int8.onnx").read_bytes()
    assert _convert(seven, tmp_path) == 8
    assert (tmp_path / "seven-int8.onnx").read_bytes() == before


def test_interrupted_conversion_leaves_whole_artifacts_and_resumes(
    seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--to", "tflite", "--precision", "fp32,fp16")
    original = TfliteTarget.convert

    def interrupted(
        self: TfliteTarget, graphs: FloatGraphs, precision: Precision, plan: FormatPlan, path: Path
    ) -> tuple[tuple[str, ...], dict[str, str]]:
        if precision is Precision.FP16:
            raise KeyboardInterrupt
        return original(self, graphs, precision, plan, path)

    monkeypatch.setattr(TfliteTarget, "convert", interrupted)
    assert _convert(seven, tmp_path, *options) == 130
    assert _names(tmp_path) == {"seven-fp32.tflite"}
    monkeypatch.undo()
    capsys.readouterr()
    assert _convert(seven, tmp_path, *options, "--resume", "--json") == 0
    statuses = [a["status"] for a in json.loads(capsys.readouterr().out)["artifacts"]]
    assert statuses == ["kept", "made"]


def test_resume_makes_a_damaged_artifact_again(seven: Path, tmp_path: Path) -> None:
    options = ("--to", "tflite", "--precision", "fp32")
    damaged = tmp_path / "seven-fp32.tflite"
    whole = (seven / "out" / damaged.name).read_bytes()
    damaged.write_bytes(whole[: len(whole) // 2])
    assert _convert(seven, tmp_path, *options, "--resume") == 0
    assert payload_sha256(damaged, read_manifest(damaged).format) == read_manifest(damaged).payload_sha256


def test_resume_refuses_whole_artifacts_of_other_inputs(
    seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ("--to", "onnx", "--precision", "int8")
    kept = tmp_path / "seven-int8.onnx"
    shutil.copy(seven / "out" / kept.name, kept)
    before = kept.read_bytes()
    monkeypatch.setattr("convert.job.load_plan", lambda _: Plan())  # the same name, another definition
    capsys.readouterr()
    assert _convert(seven, tmp_path, *options, "--resume", "--json") == 6
    (artifact,) = json.loads(capsys.readouterr().out)["artifacts"]
    assert "other inputs (plan)" in artifact["reason"]
    assert "--overwrite" in artifact["reason"]
    assert kept.read_bytes() == before
    assert _convert(seven, tmp_path, *options, "--resume", "--overwrite") == 0
    assert kept.read_bytes() != before


def test_one_target_that_fails_does_not_stop_the_others(
    seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the converter\nfell over")

    monkeypatch.setattr(TfliteTarget, "convert", broken)
    assert _convert(seven, tmp_path, "--to", "tflite,onnx", "--precision", "fp32", "--json") == 6
    artifacts = json.loads(capsys.readouterr().out)["artifacts"]
    assert [(a["status"], a["reason"]) for a in artifacts] == [
        ("failed", "RuntimeError: the converter fell over"),
        ("made", ""),
    ]
    assert _names(tmp_path) == {"seven-fp32.onnx"}


def test_no_space_left(
    seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(TfliteTarget, "convert", full)
    assert _convert(seven, tmp_path, "--to", "tflite", "--precision", "fp32") == 9
    assert not list(tmp_path.iterdir())
    assert "no space left" in capsys.readouterr().err


def test_calibration_that_overlaps_the_evaluation_is_refused(
    seven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _convert(seven, tmp_path / "out", "--evaluation", f"{seven / 'faces'}#train") == 8
    assert "also in the evaluation data" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_verify_refuses_the_calibration_images(seven: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["--baseline", str(seven / "seven.keras"), "--data", f"{seven / 'faces'}#train"]
    assert execute(["verify", str(seven / "out" / "seven-int8.tflite"), *arguments]) == 8
    assert "calibrated on" in capsys.readouterr().err


def test_dry_run_writes_nothing(seven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "out"
    assert _convert(seven, out, "--dry-run", "--json") == 0
    assert len(json.loads(capsys.readouterr().out)["artifacts"]) == 10
    assert not out.exists()


def test_a_checkpoint_of_the_zoo_is_converted(
    seven: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(models, "ZOO", seven.parent)
    call = [
        "convert",
        "zoo:seven",
        "--calibration",
        str(seven / "faces"),
        "--out",
        str(tmp_path),
        "--calibration-count",
        "40",
        "--dry-run",
        "--json",
    ]
    assert execute(call) == 0
    assert "seven-int8.tflite" in capsys.readouterr().out


def test_a_lambda_layer_is_refused(seven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    hostile = tmp_path / "hostile.keras"
    with zipfile.ZipFile(hostile, "w") as archive:
        archive.writestr("config.json", json.dumps({"config": {"layers": [{"class_name": "Lambda"}]}}))
    call = ["convert", str(hostile), "--calibration", str(seven / "faces"), "--out", str(tmp_path / "out")]
    assert execute(call) == 8
    assert "Lambda" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", [None, b"", b"PK\x03\x04 cut"], ids=["missing", "empty", "truncated"])
def test_a_bad_model_file_is_one_line(
    content: bytes | None, seven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = tmp_path / "bad.keras"
    if content is not None:
        model.write_bytes(content)
    assert execute(["convert", str(model), "--calibration", str(seven / "faces"), "--out", str(tmp_path / "out")]) == 8
    assert len(capsys.readouterr().err.strip().splitlines()) == 2


def test_wrong_classes_are_refused(seven: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_folder(tmp_path / "faces", 10)
    (data / "red").rename(data / "crimson")
    call = ["convert", str(seven / "seven.keras"), "--calibration", str(data), "--out", str(tmp_path / "out")]
    assert execute(call) == 8
    assert "crimson" in capsys.readouterr().err
