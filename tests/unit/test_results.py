"""Committed figures are of the committed models, and pages show them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks.document import read_documents
from benchmarks.publish import RESULTS, card_of
from benchmarks.report import change_text
from benchmarks.summary import summary
from fer_edge.artifact import read_manifest
from fer_edge.checkpoint import file_sha256
from fer_edge.evaluation.statistics import Interval
from fer_edge.models import CARD, DEFAULT_MODEL, ZOO, resolve_model

ROOT = Path(__file__).parents[2]
NAMES = ("densenet121", "inceptionv3", "resnet50v2")
BENCHMARKS = {name: ROOT / f"benchmarks/results/{name}/results.json" for name in NAMES}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


def accuracy(model: dict[str, Any]) -> str:
    value, low, high = (100 * share for share in (model["accuracy"]["value"], *model["accuracy"]["ci95"]))
    return f"{value:.1f}% [{low:.1f}, {high:.1f}]"


def cost(artifact: dict[str, Any]) -> str:
    change = artifact["delta_accuracy"]
    text = change_text(change["value"], Interval(*change["ci95"]))
    return f"{text}, agreement {artifact['agreement']:.3f}, {artifact['verdict']}"


@pytest.mark.parametrize("name", NAMES)
def test_card_evaluation_and_benchmark_are_of_the_checkpoint_in_the_zoo(name: str) -> None:
    sha256 = file_sha256(resolve_model(f"zoo:{name}"))
    benchmark = read(BENCHMARKS[name])
    assert f"(SHA-256 `{sha256}`)" in (ZOO / name / CARD).read_text(encoding="utf-8")
    assert [model["sha256"] for model in read(RESULTS / f"{name}.json")["models"]] == [sha256]
    assert {part["source_sha256"] for part in (benchmark["baseline"], *benchmark["artifacts"])} == {sha256}


@pytest.mark.parametrize("name", NAMES)
def test_the_card_tells_the_figures_of_the_evaluation(name: str) -> None:
    card = (ZOO / name / CARD).read_text(encoding="utf-8")
    [commit] = re.findall(r"at commit `([^`]+)`", card)
    assert card_of(name, read(RESULTS / f"{name}.json"), commit).strip() in card


@pytest.mark.parametrize("name", NAMES)
def test_every_int8_file_is_proved_to_lose_less_than_a_point(name: str) -> None:
    benchmark = read(BENCHMARKS[name])
    assert benchmark["settings"]["margin"] == 0.01
    assert all(artifact["valid"] for artifact in benchmark["artifacts"])
    assert [a["verdict"] for a in benchmark["artifacts"] if a["precision"] == "int8"] == ["NON_INFERIOR"] * 3


@pytest.mark.parametrize("name", NAMES)
def test_the_report_beside_the_results_is_of_the_same_run(name: str) -> None:
    benchmark = read(BENCHMARKS[name])
    report = BENCHMARKS[name].with_name("report.md").read_text(encoding="utf-8")
    for model in (benchmark["baseline"], *benchmark["artifacts"]):
        [row] = [line for line in report.splitlines() if line.startswith(f"| {Path(model['path']).name} ")]
        assert f"| {100 * model['accuracy']['value']:.2f} [" in row
        assert f"| {model['latency_ms']['p50']:.2f} / " in row


def test_the_ensemble_is_of_the_three_checkpoints() -> None:
    measured = {model["sha256"] for model in read(RESULTS / "ensemble.json")["models"]}
    assert measured == {file_sha256(resolve_model(f"zoo:{name}")) for name in NAMES}


def test_the_default_model_is_the_int8_file_that_was_benchmarked() -> None:
    default = resolve_model(DEFAULT_MODEL)
    benchmark = read(BENCHMARKS["densenet121"])
    [measured] = [a for a in benchmark["artifacts"] if Path(a["path"]).name == default.name]
    assert default.stat().st_size == measured["size_bytes"]
    assert read_manifest(default).source.sha256 == measured["source_sha256"]


def test_the_readme_shows_the_int8_models_as_measured() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert "\n".join(summary(read_documents(list(BENCHMARKS.values())))) in readme


def test_the_readme_shows_what_the_plan_is_worth_and_the_ensemble() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    plain, default = read(BENCHMARKS["densenet121"].with_name("plain.json")), read(BENCHMARKS["densenet121"])
    assert {a["source_sha256"] for a in plain["artifacts"]} == {default["baseline"]["source_sha256"]}
    for artifact in plain["artifacts"]:
        name = Path(artifact["path"]).name
        [same] = [a for a in default["artifacts"] if Path(a["path"]).name == name]
        assert f"| {artifact['format']} | {cost(artifact)} | {cost(same)} |" in readme
    assert f"averaged, have {accuracy(read(RESULTS / 'ensemble.json')['ensemble'])} right" in readme


@pytest.mark.parametrize("name", NAMES)
def test_the_page_about_the_study_tells_each_accuracy_as_measured(name: str) -> None:
    [model] = read(RESULTS / f"{name}.json")["models"]
    page = " ".join((ROOT / "docs/study.md").read_text(encoding="utf-8").split())
    assert f"zoo/{name}/README.md) {accuracy(model)}" in page
