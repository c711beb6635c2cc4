"""Committed figures are of the committed models, and pages show them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.document import read_documents
from benchmarks.publish import RESULTS
from benchmarks.summary import summary
from fer_edge.artifact import read_manifest
from fer_edge.checkpoint import file_sha256
from fer_edge.models import CARD, DEFAULT_MODEL, ZOO, resolve_model

ROOT = Path(__file__).parents[2]
NAMES = ("densenet121", "inceptionv3", "resnet50v2")
BENCHMARKS = {name: ROOT / f"benchmarks/results/{name}/results.json" for name in NAMES}


def read(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found


@pytest.mark.parametrize("name", NAMES)
def test_card_evaluation_and_benchmark_are_of_the_checkpoint_in_the_zoo(name: str) -> None:
    sha256 = file_sha256(resolve_model(f"zoo:{name}"))
    benchmark = read(BENCHMARKS[name])
    assert f"(SHA-256 `{sha256}`)" in (ZOO / name / CARD).read_text(encoding="utf-8")
    assert [model["sha256"] for model in read(RESULTS / f"{name}.json")["models"]] == [sha256]
    assert {part["source_sha256"] for part in (benchmark["baseline"], *benchmark["artifacts"])} == {sha256}


@pytest.mark.parametrize("name", NAMES)
def test_int8_costs_less_than_a_point_in_two_of_three_formats(name: str) -> None:
    int8 = [a["verdict"] for a in read(BENCHMARKS[name])["artifacts"] if a["precision"] == "int8"]
    assert len(int8) == 3
    assert int8.count("NON_INFERIOR") >= 2


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


@pytest.mark.parametrize("name", NAMES)
def test_the_page_about_the_study_tells_each_accuracy_as_measured(name: str) -> None:
    [model] = read(RESULTS / f"{name}.json")["models"]
    value, low, high = (100 * share for share in (model["accuracy"]["value"], *model["accuracy"]["ci95"]))
    page = " ".join((ROOT / "docs/study.md").read_text(encoding="utf-8").split())
    assert f"zoo/{name}/README.md) {value:.1f}% [{low:.1f}, {high:.1f}]" in page
