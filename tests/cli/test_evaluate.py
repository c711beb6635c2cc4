"""`fer-edge evaluate` on tiny models in their real runtimes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from fer_edge.cli import execute
from fer_edge.data.fingerprint import fingerprints
from fer_edge.data.folder import open_images
from fer_edge.evaluation.classification import classify
from fer_edge.evaluation.figures import confusion_figure, reliability_figure
from fer_edge.manifest import Precision, Source
from tests.support.tiny_models import LABELS, copied, make_contract, seal, write_folder

MODEL_KEYS = {"name", "sha256", "accuracy", "macro_f1", "weighted_f1", "per_class", "ece", "confusion"}
FILES = ["confusion.png", "confusion.svg", "reliability.png", "reliability.svg", "report.json", "report.md"]


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_folder(tmp_path / "data", 8, seed=5)


def evaluate(*arguments: object) -> int:
    return execute(["evaluate", *map(str, arguments)])


def test_one_document_on_stdout_and_tables_on_stderr(
    tiny_artifacts: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [tiny_artifacts / name for name in ("tiny.keras", "tiny-int8.tflite", "tiny-fp32.onnx")]
    assert evaluate(*models, "--data", data, "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert list(found) == ["schema_version", "data", "models", "pairs", "ensemble"]
    assert set(found["data"]) == {"n", "sha256"}
    assert found["data"]["n"] == 24
    assert [model["name"] for model in found["models"]] == [str(path) for path in models]
    for model in found["models"]:
        assert set(model) == MODEL_KEYS
        assert set(model["accuracy"]) == {"value", "ci95"}
        assert list(model["per_class"]) == list(LABELS)
        assert sum(map(sum, model["confusion"])) == 24
    assert len(found["pairs"]) == 3
    assert found["ensemble"]["accuracy"]["value"] > 0.9
    assert "Holm p" in err
    assert "ensemble" in err


def test_a_single_model_has_no_pairs_and_no_ensemble(
    tiny_artifacts: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert evaluate(tiny_artifacts / "tiny-int8.tflite", "--data", data, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["pairs"], found["ensemble"]) == ([], None)


def test_a_report_is_written_once_unless_it_may_be_replaced(
    tiny_artifacts: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    swapped = data / "green" / "mislabelled.png"
    shutil.copy(next((data / "red").iterdir()), swapped)
    out = tmp_path / "out"
    command = [tiny_artifacts / "tiny-int8.tflite", tiny_artifacts / "tiny-fp32.tflite", "--data", data, "--out", out]
    assert evaluate(*command) == 0
    assert sorted(path.name for path in out.iterdir()) == FILES
    found = json.loads((out / "report.json").read_text())
    assert found["models"][0]["mistakes"][0]["path"] == "green/mislabelled.png"
    assert found["models"][0]["reliability"][-1]["n"] > 0
    report = (out / "report.md").read_text()
    assert "![confusion](confusion.png)" in report
    assert "| green/mislabelled.png | green | red |" in report
    before = (out / "report.md").read_bytes()
    assert evaluate(*command) == 8
    assert "exists already. Give another --out, or --overwrite" in capsys.readouterr().err.replace("\n       ", ". ")
    assert (out / "report.md").read_bytes() == before
    assert evaluate(*command, "--overwrite") == 0


def test_panels_of_models_with_one_name_carry_their_folders(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    found = classify(np.array([0, 1, 2]), rng.dirichlet([1, 1, 1], 3).astype(np.float32), LABELS)
    same = dict.fromkeys(("a/m.keras", "b/m.keras"), found)
    other = dict.fromkeys(("a/m.keras", "b/n.tflite"), found)
    for figure in (confusion_figure, reliability_figure):
        assert [panel.get_title().split("\n")[0] for panel in figure(same).axes] == ["a/m.keras", "b/m.keras"]
        assert [panel.get_title().split("\n")[0] for panel in figure(other).axes] == ["m.keras", "n.tflite"]


def test_votes_add_the_human_rater_and_the_distance_to_the_crowd(
    tiny_artifacts: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    names = open_images(data, prefer="test").names
    rows = [f"{name},{','.join('8' if name.startswith(label) else '1' for label in LABELS)},5" for name in names]
    votes = tmp_path / "votes.csv"
    votes.write_text("\n".join([f"file,{','.join(LABELS)},other", *rows]) + "\n")
    path = tiny_artifacts / "tiny-int8.tflite"
    assert evaluate(path, "--data", data, "--votes", votes, "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)["votes"]
    assert found["rater_agreement"]["value"] == pytest.approx(7 / 9)
    assert 0 < found["total_variation"][str(path)]["value"] < 0.5
    assert "One human rater agrees with the others on 77.8" in err


def test_robustness_says_what_is_left_on_photos_in_trouble(
    tiny_artifacts: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [tiny_artifacts / "tiny.keras", tiny_artifacts / "tiny-int8.tflite"]
    assert evaluate(*models, "--data", data, "--robustness", "--json", "--out", tmp_path / "out") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    by_name = {entry["corruption"]: entry["models"] for entry in found["robustness"]}
    assert len(by_name) == 10
    assert [m["name"] for m in by_name["blur 3%"]] == [*map(str, models), "ensemble"]
    # The tiny models tell colours apart: blur does not hide those, darkness does.
    assert by_name["blur 3%"][0]["delta_accuracy"]["value"] == pytest.approx(0, abs=0.05)
    dark = by_name["light x0.25"][0]
    assert dark["accuracy"]["value"] < 0.7
    clean = found["models"][0]["accuracy"]["value"]
    assert dark["accuracy"]["value"] - clean == pytest.approx(dark["delta_accuracy"]["value"])
    assert "Accuracy % on photos in trouble" in err
    assert "| light x0.25 |" in (tmp_path / "out" / "report.md").read_text()


def test_images_that_chose_the_model_are_named(
    tiny_artifacts: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = tuple(p.exact for p in fingerprints(open_images(data, prefer="test").take(range(5))))
    path = copied(tiny_artifacts, "tiny-fp32.tflite", tmp_path)
    seal(path, Precision.FP32, source=Source(name="x.keras", sha256="a" * 64, architecture="tiny", selected_on=chosen))
    assert evaluate(path, tiny_artifacts / "tiny-fp32.onnx", "--data", data, "--json") == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["models"][0]["selected_on_this_data"] == 5
    assert "selected_on_this_data" not in found["models"][1]
    assert found["ensemble"]["selected_on_this_data"] == 5
    assert (
        "SELECTED_ON_THIS_DATA: 5 of the 24 images chose it in training, and any others may be what it was fitted to"
        in err
    )


def test_models_with_other_labels_are_not_compared(
    tiny_artifacts: Path, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copied(tiny_artifacts, "tiny-fp32.onnx", tmp_path)
    seal(path, Precision.FP32, make_contract().model_copy(update={"labels": ("a", "b", "c")}))
    assert evaluate(tiny_artifacts / "tiny-fp32.tflite", path, "--data", data) == 8
    assert "has the labels a, b, c" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["MODEL", "--data", "absent"], 8, "there is no folder or zip absent"),
        (["absent.keras", "--data", "DATA"], 8, "there is no file absent.keras"),
        (["zoo:absent", "--data", "DATA"], 8, "no model 'zoo:absent'"),
        (["MODEL", "--data", "DATA", "--votes", "absent.csv"], 8, "cannot read the votes"),
        (["MODEL", "--data", "OTHER"], 8, "class folders that the model does not know: purple"),
        (["--data", "DATA"], 2, "Missing argument"),
        (["weights.bin", "--data", "DATA"], 2, "no model was given"),
    ],
)
def test_bad_input_is_said_and_leaves_nothing(
    arguments: list[str],
    code: int,
    message: str,
    tiny_artifacts: Path,
    data: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    other = tmp_path / "other"
    shutil.copytree(data / "red", other / "purple")
    paths = {"MODEL": tiny_artifacts / "tiny-int8.tflite", "DATA": data, "OTHER": other}
    out = tmp_path / "out"
    assert evaluate(*(paths.get(a, a) for a in arguments), "--out", out, "--json") == code
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.out == ""
    assert not out.exists()
