"""`fer-edge train`, from pictures to checkpoint: resumed after an interruption, against a run in one go."""

from __future__ import annotations

import csv
import io
import json
import shutil
import zipfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import h5py
import keras
import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.util import event_pb2

from fer_edge import models
from fer_edge.checkpoint import read_checkpoint_info
from fer_edge.cli import execute
from fer_edge.contract import InputContract
from fer_edge.data.folder import open_images
from fer_edge.errors import BadInputError, CheckpointError
from fer_edge.training.backbones import BACKBONES, build_classifier
from fer_edge.training.half import WEIGHTS
from fer_edge.training.job import WRITTEN
from fer_edge.training.study import write_comparison
from fer_edge.training.temperature import RANGE
from tests.integration.test_initial_weights import no_network
from tests.support.pictures import COLOURS
from tests.support.trained_runs import Runs, train_twice


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    yield train_twice(tmp_path_factory.mktemp("training"))
    keras.backend.clear_session()


def history(folder: Path) -> list[dict[str, str]]:
    with (folder / "history.csv").open() as stream:
        return list(csv.DictReader(stream))


def test_the_resumed_run_equals_the_whole_one(runs: Runs) -> None:
    with (
        np.load(runs.whole / "state/variables-2.npz") as whole,
        np.load(runs.resumed / "state/variables-2.npz") as resumed,
    ):
        assert whole.files == resumed.files
        for name in whole.files:
            np.testing.assert_allclose(whole[name], resumed[name], rtol=0, atol=1e-6)
    assert history(runs.whole) == history(runs.resumed)
    assert [row["epoch"] for row in history(runs.whole)] == ["1", "2"]


def test_tensorboard_is_told_of_every_epoch(runs: Runs) -> None:
    found = [
        (event.step, value.tag)
        for path in sorted((runs.whole / "state/tensorboard").iterdir())
        for record in tf.data.TFRecordDataset(str(path))
        for event in [event_pb2.Event.FromString(record.numpy())]
        for value in event.summary.value
    ]
    assert [step for step, tag in found if tag == "accuracy/tuning"] == [1, 2]
    assert {tag for _, tag in found} == {
        *(f"{name}/{part}" for name in ("loss", "accuracy") for part in ("training", "tuning")),
        "input size",
    }


def test_the_checkpoint_takes_raw_pixels(runs: Runs) -> None:
    model = keras.models.load_model(runs.resumed / "densenet121.keras", compile=False, safe_mode=True)
    assert model.input_shape == (None, 32, 32, 3)
    probabilities = model(np.random.default_rng(0).uniform(0, 255, (2, 32, 32, 3)).astype(np.float32))
    assert np.allclose(np.sum(probabilities, axis=1), 1, atol=1e-5)


def test_the_checkpoint_stores_kernels_at_two_bytes(runs: Runs) -> None:
    path = runs.whole / "densenet121.keras"
    model = keras.models.load_model(path, compile=False, safe_mode=True)
    stored: Counter[str] = Counter()

    def count(_name: str, node: h5py.Group | h5py.Dataset) -> None:
        if isinstance(node, h5py.Dataset):
            stored[str(node.dtype)] += node.size

    with zipfile.ZipFile(path) as archive, h5py.File(io.BytesIO(archive.read(WEIGHTS))) as weights:
        weights.visititems(count)
    assert path.stat().st_size < 2.5 * model.count_params()
    kernels = [weight.numpy() for weight in model.trainable_weights if len(weight.shape) > 1]
    assert all(np.array_equal(kernel, kernel.astype(np.float16)) for kernel in kernels)
    assert stored["float16"] >= sum(kernel.size for kernel in kernels) > 10 * stored["float32"]
    assert {str(weight.dtype) for weight in model.weights} == {"float32"}


def test_the_checkpoint_carries_its_contract(runs: Runs) -> None:
    info = read_checkpoint_info(runs.whole / "densenet121.keras")
    assert info is not None
    assert info.contract == InputContract(height=32, width=32, colour="rgb", labels=tuple(COLOURS))
    assert info.training is not None
    assert info.training.counts == {"fit": 48, "tuning": 12}
    assert len(info.training.tuning) == 12
    assert info.training.recipe == "tiny"


def test_the_model_card_says_what_it_is(runs: Runs) -> None:
    card = (runs.whole / "README.md").read_text()
    assert "angry, happy, neutral, sad" in card
    assert "48 to fit, 12 to tune" in card
    assert "| targets | shares of the votes in a CSV (SHA-256 `" in card


def test_the_split_file_opens(runs: Runs) -> None:
    training = open_images(f"{runs.whole / 'split.json'}#train", prefer="train")
    tuning = open_images(f"{runs.whole / 'split.json'}#tuning", prefer="train")
    assert (len(training), len(tuning)) == (48, 12)
    assert not set(training.names) & set(tuning.names)


def test_the_outputs_of_the_study_lie_beside_the_checkpoint(runs: Runs) -> None:
    for folder in (runs.whole, runs.resumed):
        assert {path.name for path in folder.iterdir()} == {*WRITTEN, "densenet121.keras", "state"}
    whole, report = (json.loads((folder / "report.json").read_text()) for folder in (runs.whole, runs.resumed))
    assert [r["conditions"]["recipe"].pop("name") for r in (whole, report)] == ["tiny", "renamed"]
    assert whole == report
    assert (report["data"]["n"], report["data"]["subset"], report["selected_on_this_data"]) == (12, "tuning", 12)
    assert (report["epochs"], sum(map(sum, report["confusion"]))) == (2, 12)
    assert list(report["per_class"]) == list(COLOURS)
    text = (runs.resumed / "report.md").read_text()
    assert "not an independent figure" in text
    assert "`predictions.png` shows images of the data: keep it on this machine" in text


def test_the_report_is_what_evaluate_says_of_the_tuning_images(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    data = f"{runs.whole / 'split.json'}#tuning"
    assert execute(["evaluate", str(runs.whole / "densenet121.keras"), "--data", data, "--json"]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)["models"][0]
    report = json.loads((runs.whole / "report.json").read_text())
    assert found["confusion"] == report["confusion"]
    assert found["per_class"] == report["per_class"]
    assert found["selected_on_this_data"] == 12
    assert "SELECTED_ON_THIS_DATA: 12 of the 12 images chose it" in err


def test_the_networks_are_compared_beside_the_published_figures(runs: Runs, tmp_path: Path) -> None:
    report = json.loads((runs.whole / "report.json").read_text())
    for name in BACKBONES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "report.json").write_text(json.dumps({**report, "architecture": name}))
    text = write_comparison(tmp_path, list(BACKBONES)).read_text()
    rows = [line for line in text.splitlines() if line.startswith(tuple(f"| {name}" for name in BACKBONES))]
    assert [row.split("|")[-2].strip() for row in rows] == ["75", "65", "79"]
    assert "Published accuracy % (other data: not comparable)" in text
    assert "The same images, recipe and seed for all." in text
    assert json.loads((tmp_path / "comparison.json").read_text())["same_conditions"] is True
    renamed = {**report["conditions"], "recipe": {**report["conditions"]["recipe"], "name": "other"}}
    renamed["overrides"] = {"weights": "none, for a reason"}
    (tmp_path / "resnet50v2" / "report.json").write_text(json.dumps({**report, "conditions": renamed}))
    text = write_comparison(tmp_path, list(BACKBONES)).read_text()
    assert "The same images, recipe and seed for all." in text
    assert [line for line in text.splitlines() if "Initial" in line] == ["Initial weights: none, for a reason."]
    other = {**report, "conditions": {**report["conditions"], "fitted": 7}}
    (tmp_path / "inceptionv3" / "report.json").write_text(json.dumps(other))
    assert "Not under the same conditions" in write_comparison(tmp_path, list(BACKBONES)).read_text()
    for text, message in (("{", "cannot be compared"), (json.dumps({**report, "conditions": {}}), "lacks 'recipe'")):
        (tmp_path / "inceptionv3" / "report.json").write_text(text)
        with pytest.raises(BadInputError, match=message):
            write_comparison(tmp_path, list(BACKBONES))


def test_imagenet_weights_that_were_asked_for_are_not_replaced(
    runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(keras.applications, "DenseNet121", no_network)
    assert execute([*runs.command[:-1], str(tmp_path), "--weights", "imagenet"]) == 4
    assert "--weights none" in capsys.readouterr().err
    assert not (tmp_path / "densenet121.keras").exists()


def test_a_checkpoint_of_ours_gives_initial_weights(runs: Runs, monkeypatch: pytest.MonkeyPatch) -> None:
    path = runs.whole / "densenet121.keras"
    contract = InputContract(height=32, width=32, colour="rgb", labels=("a", "b"))
    monkeypatch.setattr(models, "ZOO", runs.whole.parent)
    model = build_classifier("densenet121", contract, "zoo:densenet121")
    donor = keras.models.load_model(path, compile=False, safe_mode=True)
    for name in ("conv1_conv", "conv5_block16_2_conv"):
        np.testing.assert_array_equal(model.get_layer(name).get_weights()[0], donor.get_layer(name).get_weights()[0])
    with pytest.raises(CheckpointError, match="does not fit resnet50v2"):
        build_classifier("resnet50v2", contract, str(path))


def test_the_head_is_taken_where_the_labels_are_the_same(runs: Runs) -> None:
    path = runs.whole / "densenet121.keras"
    info = read_checkpoint_info(path)
    assert info is not None
    same = build_classifier("densenet121", info.contract, str(path))
    donor = keras.models.load_model(path, compile=False, safe_mode=True)
    for ours, theirs in zip(same.get_weights(), donor.get_weights(), strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=1e-6)  # the scaling is computed anew
    swapped = info.contract.model_copy(update={"labels": info.contract.labels[::-1]})
    other = build_classifier("densenet121", swapped, str(path))
    assert (other.get_layer("features").get_weights()[0] != donor.get_layer("features").get_weights()[0]).any()


def test_initial_weights_that_are_not_there_are_said_before_anything_is_written(
    runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for weights, message in (("zoo:other", "no model 'zoo:other'"), ("absent.keras", "no file absent.keras")):
        assert execute([*runs.command[:-1], str(tmp_path / "out"), "--weights", weights]) == 8
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_another_readme_is_not_replaced(runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "README.md").write_text("mine")
    assert execute([*runs.command[:-1], str(tmp_path)]) == 8
    assert "README.md exists already" in capsys.readouterr().err
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_network_that_does_not_fit_the_size_is_said_before_any_training(
    runs: Runs, capsys: pytest.CaptureFixture[str]
) -> None:
    assert execute([*runs.command, "--arch", "all"]) == 2
    assert "inceptionv3 needs at least 75 px, not 32" in capsys.readouterr().err


def test_a_finished_run_is_not_replaced(runs: Runs, capsys: pytest.CaptureFixture[str]) -> None:
    before = (runs.resumed / "densenet121.keras").read_bytes()
    assert execute(runs.command) == 8
    assert "exists already" in capsys.readouterr().err
    assert (runs.resumed / "densenet121.keras").read_bytes() == before


def test_a_refused_training_changes_nothing(runs: Runs, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(runs.resumed / "state", tmp_path / "state")
    shutil.copy(runs.resumed / "split.json", tmp_path)
    before = (tmp_path / "split.json").read_bytes()
    split = json.loads(before)
    split["subsets"]["tuning"].pop()
    (tmp_path / "other.json").write_text(json.dumps(split))
    for changed in (["--seed", "1"], ["--data", str(tmp_path / "other.json")]):
        assert execute([*runs.command[:-1], str(tmp_path), *changed]) == 8
        assert "belongs to a run with another recipe or other data" in capsys.readouterr().err
        assert (tmp_path / "split.json").read_bytes() == before


def test_overwrite_may_start_from_what_it_replaces(runs: Runs, tmp_path: Path) -> None:
    shutil.copytree(runs.resumed, tmp_path, dirs_exist_ok=True)
    checkpoint = tmp_path / "densenet121.keras"
    before = checkpoint.read_bytes()
    again = [*runs.command[:-1], str(tmp_path), "--epochs", "1", "--weights", str(checkpoint), "--overwrite"]
    assert execute([*again, "--votes", str(tmp_path / "missing.csv")]) == 8
    assert checkpoint.read_bytes() == before
    assert execute(again) == 0
    assert checkpoint.read_bytes() != before


def test_the_temperature_is_recorded(runs: Runs) -> None:
    info = read_checkpoint_info(runs.whole / "densenet121.keras")
    assert info is not None
    assert info.training is not None
    assert RANGE[0] <= info.training.metrics["temperature"] <= RANGE[1]
