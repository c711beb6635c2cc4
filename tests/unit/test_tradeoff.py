"""The picture of a benchmark."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from benchmarks.document import Document, document
from benchmarks.job import benchmark
from benchmarks.request import BenchmarkRequest
from benchmarks.tradeoff import command, tradeoff_figure
from fer_edge.manifest import Precision
from tests.support.comparison import Shelf, manifest, write_pictures
from tests.support.comparison import shelf as shelf
from tests.support.comparison import steady as steady


@pytest.fixture
def result(shelf: Shelf, tmp_path: Path, steady: None) -> Document:
    data = write_pictures(tmp_path / "data", 60)
    shelf.put("fp32.tflite", seconds=0.004)
    shelf.put("int8.tflite", manifest(Precision.INT8), seconds=0.001, executed="int8")
    paths = (Path("fp32.tflite"), Path("int8.tflite"))
    report = benchmark(BenchmarkRequest(paths, paths[0], str(data), min_seconds=0.2), lambda _: None)
    found: Document = json.loads(json.dumps(document(report)))
    return found


def test_every_model_stands_where_it_was_measured(result: Document) -> None:
    (panel,) = tradeoff_figure({"mine": result}).axes
    points = {line.get_label(): line for line in panel.lines if not line.get_label().startswith("_")}
    assert set(points) == {"tflite fp32", "tflite int8", "baseline"}
    int8 = next(a for a in result["artifacts"] if a["precision"] == "int8")
    assert points["tflite int8"].get_xdata()[0] == int8["latency_ms"]["p50"]
    assert points["tflite int8"].get_ydata()[0] == pytest.approx(100 * int8["accuracy"]["value"])
    assert panel.get_title() == "mine"


def test_invalid_times_are_said_and_missing_ones_not_drawn(result: Document) -> None:
    fp32, int8 = result["artifacts"]
    fp32["valid"], int8["latency_ms"], result["baseline"]["latency_ms"] = False, None, None
    (panel,) = tradeoff_figure({"mine": result}).axes
    assert {line.get_label() for line in panel.lines if not line.get_label().startswith("_")} == {"tflite fp32"}
    assert panel.get_title() == "mine (times INVALID)"


def test_several_benchmarks_stand_side_by_side(result: Document, tmp_path: Path) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "results.json").write_text(json.dumps(result))
    paths = [str(tmp_path / name / "results.json") for name in ("first", "second")]
    done = CliRunner().invoke(command, [str(tmp_path / "both.svg"), *paths], catch_exceptions=False)
    assert done.exit_code == 0
    assert (tmp_path / "both.svg").read_text().startswith("<?xml")
    assert len(tradeoff_figure({"first": result, "second": result}).axes) == 2


def test_nothing_is_lost_to_equal_titles_or_an_old_figure(result: Document, tmp_path: Path) -> None:
    for name in ("a/same", "b/same"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "results.json").write_text(json.dumps(result))
    first, second = (str(tmp_path / name / "same" / "results.json") for name in "ab")
    refused = CliRunner().invoke(command, [str(tmp_path / "both.svg"), first, second])
    assert refused.exit_code == 2
    assert "same, same" in refused.output
    (tmp_path / "old.svg").write_text("mine")
    refused = CliRunner().invoke(command, [str(tmp_path / "old.svg"), first])
    assert refused.exit_code == 2
    assert (tmp_path / "old.svg").read_text() == "mine"
    refused = CliRunner().invoke(command, [str(tmp_path / "old.png"), first])
    assert refused.exit_code == 2
    assert "does not end in .svg" in refused.output
