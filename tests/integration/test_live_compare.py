"""Several models on the same faces of a drawn camera."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from fer_edge.cli import execute
from fer_edge.contract import InputContract
from fer_edge.errors import UsageError
from fer_edge.preprocess import Image, preprocess
from fer_edge.runtime.backends.fake import FakeBackend
from fer_edge.runtime.compare import LiveComparison
from fer_edge.runtime.load import load
from tests.support.tiny_models import tiny_images

SOURCE = "synthetic://?frames=40&fps=0&size=160x120"


def _fake(labels: Sequence[str] = ("a", "b", "c"), seconds: float = 0.0, side: int = 16) -> FakeBackend:
    return FakeBackend(InputContract(height=side, width=side, colour="rgb", labels=tuple(labels)), seconds)


def _crops(count: int, side: int = 40) -> list[Image]:
    return list(np.random.default_rng(0).integers(0, 255, (count, side, side, 3), np.uint8))


def test_figures_agree_with_the_models_themselves(tiny_artifacts: Path) -> None:
    names = [str(tiny_artifacts / name) for name in ("tiny-int8.tflite", "tiny-fp32.onnx")]
    faces = tiny_images(60, seed=4)[0]
    with load(names[0]) as first, load(names[1]) as other:
        comparison = LiveComparison([(names[0], first), (names[1], other)])
        for i in range(0, 60, 2):
            rows = first.predict(faces[i : i + 2])
            comparison.observe(list(faces[i : i + 2]), [1, 2], rows, i * 10**8, 2_000_000)
        comparison.finish()
        expected, got = first.predict(faces), other.predict(faces)
    one, two = comparison.figures()
    assert (one.agreement, one.max_difference) == (None, None)
    assert two.agreement == pytest.approx((expected.argmax(1) == got.argmax(1)).mean())
    assert two.max_difference == pytest.approx(np.abs(expected - got).max(), abs=1e-6)
    assert one.latency_ms["p50"] == pytest.approx(1.0)
    assert one.latency_ms["p90"] is None  # 60 samples are too few
    assert (one.executed_precision, two.executed_precision) == ("int8", "fp32")
    assert all(model.alone_ms and model.alone_ms > 0 for model in (one, two))


def test_flips_are_counted_for_each_face_and_minute() -> None:
    backend = _fake()
    comparison = LiveComparison([("one", backend), ("two", backend)])
    rows = np.array([[0.8, 0.1, 0.1], [0.1, 0.8, 0.1]], np.float32)
    for i in range(121):  # a minute; face 1 changes each second, face 2 never
        frame = np.array([rows[i // 2 % 2], rows[1]])
        comparison.observe(_crops(2), [1, 2], frame, i * 5 * 10**8, 1000)
    one, _ = comparison.figures()
    assert one.flips_per_minute == pytest.approx(30, rel=0.05)  # 60 changes in two face-minutes


def test_models_of_other_input_sizes_see_the_same_crops() -> None:
    small, large = _fake(side=16), _fake(side=32)
    comparison = LiveComparison([("small", small), ("large", large)])
    crops = _crops(3)
    rows = small.predict(np.stack([preprocess(c, small.contract) for c in crops]))
    comparison.observe(crops, [1, 2, 3], rows, 0, 1000)
    expected = large.predict(np.stack([preprocess(c, large.contract) for c in crops]))
    assert comparison.figures()[1].max_difference == pytest.approx(np.abs(expected - rows).max())


def test_models_of_other_labels_are_refused() -> None:
    with pytest.raises(UsageError, match="labels b, a, c"):
        LiveComparison([("one", _fake()), ("two", _fake(("b", "a", "c")))])


def test_run_compare_writes_the_report(
    tiny_artifacts: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    models = [str(tiny_artifacts / f"tiny-{name}") for name in ("int8.tflite", "fp32.tflite", "int8.onnx", "int8.xml")]
    call = ["run", models[0], "--source", SOURCE, "--detector", "whole", "--json", "--report", str(tmp_path / "report")]
    for other in models[1:]:
        call += ["--compare", other]
    assert execute(call) == 0
    printed = json.loads(capsys.readouterr().out)
    written = json.loads((tmp_path / "report" / "compare.json").read_text())
    assert [m["name"] for m in written["models"]] == models
    assert [m["faces"] for m in printed["models"]] == [40] * 4
    assert {m["executed_precision"] for m in written["models"]} == {"int8", "fp32"}
    table = (tmp_path / "report" / "compare.md").read_text()
    assert table.count("\n| ") == 5
    assert execute(call) == 8
    assert "holds another report" in capsys.readouterr().err
    assert execute([*call, "--overwrite"]) == 0


def test_a_report_needs_a_comparison(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["run", "--source", SOURCE, "--report", str(tmp_path / "report")]) == 2
    assert "--compare" in capsys.readouterr().err
