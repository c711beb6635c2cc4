from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

from benchmarks.document import document
from benchmarks.job import benchmark
from benchmarks.output import check_output, write_output
from benchmarks.report import markdown, print_report
from benchmarks.request import BenchmarkRequest
from fer_edge.errors import BadInputError
from fer_edge.evaluation.results import BenchmarkReport
from fer_edge.manifest import Precision
from tests.support.comparison import Shelf, manifest, write_pictures
from tests.support.comparison import shelf as shelf
from tests.support.comparison import steady as steady

ARTIFACT_KEYS = {
    "path", "format", "precision", "executed_precision", "size_bytes", "accuracy", "macro_f1", "delta_accuracy",
    "mcnemar_p", "agreement", "ece", "verdict", "latency_ms", "speedup", "peak_rss_mb", "first_inference_ms", "valid",
    "reasons", "speedup_vs_fp32", "runtime", "recommended",
}  # fmt: skip


def run(shelf: Shelf, data: Path, *names: str, baseline: str = "fp32.tflite", seconds: float = 0.6) -> BenchmarkReport:
    request = BenchmarkRequest(tuple(Path(n) for n in names), Path(baseline), str(data), min_seconds=seconds)
    return benchmark(request, lambda _: None)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_pictures(tmp_path / "data", 450)


@pytest.fixture
def report(shelf: Shelf, data: Path, steady: None) -> BenchmarkReport:
    shelf.put("fp32.tflite", seconds=0.004)
    shelf.put("fp16.tflite", manifest(Precision.FP16), seconds=0.0045)  # equally fast is faster by chance at times
    shelf.put("int8.tflite", manifest(Precision.INT8), seconds=0.001, executed="int8")
    return run(shelf, data, "fp32.tflite", "fp16.tflite", "int8.tflite")


def by_name(found: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {a["path"]: a for a in found["artifacts"]}


def test_document_has_the_promised_keys(report: BenchmarkReport) -> None:
    found = json.loads(json.dumps(document(report), allow_nan=False))
    assert {"schema_version", "device", "baseline", "artifacts", "versions", "seeds", "data"} <= set(found)
    assert {"n", "sha256"} <= set(found["data"])
    assert found["baseline"]["source_sha256"] == manifest().source.sha256
    for artifact in found["artifacts"]:
        assert set(artifact) >= ARTIFACT_KEYS
        assert artifact["source_sha256"] == found["baseline"]["source_sha256"]
        assert set(artifact["accuracy"]) == {"value", "n", "ci95"}
        assert set(artifact["delta_accuracy"]) == {"value", "ci95"}
        assert {"p50", "p90", "p99", "n"} <= set(artifact["latency_ms"])
        assert {"value", "ci95"} <= set(artifact["speedup"])
        assert 0 <= artifact["accuracy"]["ci95"][0] <= artifact["accuracy"]["value"] <= 1


def test_a_percentile_without_samples_is_null_with_a_reason(report: BenchmarkReport) -> None:
    slow = by_name(document(report))["fp16.tflite"]
    assert slow["latency_ms"]["p50"] > 4
    assert slow["latency_ms"]["p90"] > 4
    assert slow["latency_ms"]["p99"] is None
    assert any("p99 is not reported" in r and "662" in r and "--min-seconds" in r for r in slow["reasons"])


def test_speed_ups_and_recommendation(report: BenchmarkReport) -> None:
    found = document(report)
    artifacts = by_name(found)
    int8, fp16, fp32 = (artifacts[f"{p}.tflite"] for p in ("int8", "fp16", "fp32"))
    assert int8["speedup"]["ci95"][0] > 2
    assert int8["speedup_vs_fp32"]["reference"] == "fp32.tflite"
    assert fp32["speedup_vs_fp32"] is None
    assert int8["recommended"]
    assert not fp16["recommended"]
    assert any("executed it in fp32, so only the file is smaller" in r for r in fp16["reasons"])
    assert found["recommended"] == "int8.tflite"
    assert report.exit_code == 0


@pytest.mark.parametrize(
    ("executed", "dot_product", "why"),
    [("fp16", True, "not in int8"), ("int8", False, "no int8 dot-product"), ("int8", True, "do not gain")],
)
def test_slow_int8_is_not_recommended_and_says_why(
    shelf: Shelf, data: Path, steady: None, monkeypatch: pytest.MonkeyPatch, executed: str, dot_product: bool, why: str
) -> None:
    monkeypatch.setattr("benchmarks.recommendation.has_int8_dot_product", lambda: dot_product)
    shelf.put("fp32.tflite", seconds=0.001)
    shelf.put("int8.tflite", manifest(Precision.INT8), seconds=0.003, executed=executed)
    (_, int8) = run(shelf, data, "fp32.tflite", "int8.tflite", seconds=0.2).artifacts
    assert int8.recommended is False
    assert any("not proved faster than its fp32" in r and why in r for r in int8.reasons)


def test_saved_predictions_compare_speed_with_the_runtimes_fp32(
    shelf: Shelf, data: Path, tmp_path: Path, steady: None
) -> None:
    from benchmarks.job import verify
    from benchmarks.request import VerifyRequest

    shelf.put("fp32.tflite", seconds=0.003)
    shelf.put("int8.tflite", manifest(Precision.INT8), seconds=0.001, executed="int8")
    saved = tmp_path / "baseline.npz"
    verify(VerifyRequest((Path("int8.tflite"),), Path("fp32.tflite"), str(data), save_baseline=saved), lambda _: None)
    found = document(run(shelf, data, "fp32.tflite", "int8.tflite", baseline=str(saved), seconds=0.2))
    assert found["baseline"]["latency_ms"] is None
    assert any("no latency" in r for r in found["baseline"]["reasons"])
    int8 = by_name(found)["int8.tflite"]
    assert int8["speedup"] == int8["speedup_vs_fp32"]
    assert int8["speedup"]["value"] > 1.5
    alone = document(run(shelf, data, "int8.tflite", baseline=str(saved), seconds=0.2))["artifacts"][0]
    assert alone["speedup"] is None
    assert any("no speed-up" in r for r in alone["reasons"])
    assert not alone["recommended"]


def test_an_invalid_run_says_so_everywhere(shelf: Shelf, data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("benchmarks.latency._problems", lambda *_: ("other processes took 60%. Stop them",))
    shelf.put("fp32.tflite", seconds=0.001)
    report = run(shelf, data, "fp32.tflite", seconds=0.1)
    (artifact,) = document(report)["artifacts"]
    assert artifact["valid"] is False
    assert "other processes took 60%. Stop them" in artifact["reasons"]
    assert report.exit_code == 5
    assert "INVALID times: other processes took 60%" in markdown(report)
    assert artifact["recommended"] is False


def test_screen_and_markdown_show_every_model(report: BenchmarkReport) -> None:
    stream = io.StringIO()
    print_report(report, Console(file=stream, highlight=False))
    for text in (stream.getvalue(), markdown(report)):
        assert "fp32.tflite (baseline)" in text
        assert "fp16 -> fp32" in text
        assert "NON_INFERIOR" in text
        assert "Recommended: int8.tflite" in text
        assert "[" in text


def test_files_are_complete_and_not_replaced(report: BenchmarkReport, tmp_path: Path) -> None:
    out = tmp_path / "out"
    check_output(out, overwrite=False)
    path = write_output(report, out)
    assert sorted(p.name for p in out.iterdir()) == ["report.md", "results.json", "samples.npz", "tradeoff.svg"]
    assert json.loads(path.read_text()) == json.loads(json.dumps(document(report)))
    with np.load(out / "samples.npz", allow_pickle=False) as samples:
        assert samples["2"].dtype == np.int64
        assert len(samples["2"]) == document(report)["artifacts"][2]["latency_ms"]["n"] == samples["2_rounds"].sum()
    with pytest.raises(BadInputError, match="exists already"):
        check_output(out, overwrite=False)
    for taken in (path, path / "below"):
        with pytest.raises(BadInputError, match=r"results\.json takes none"):
            check_output(taken, overwrite=True)
    check_output(out, overwrite=True)


def test_nothing_is_left_when_writing_fails(
    report: BenchmarkReport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: object) -> str:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("benchmarks.output.markdown", full)
    with pytest.raises(OSError, match="No space"):
        write_output(report, tmp_path / "out")
    assert list((tmp_path / "out").iterdir()) == []
