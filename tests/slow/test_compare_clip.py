"""`run --compare` on a talking head says what `verify` says of the same crops."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import pytest

from fer_edge.artifact import read_manifest
from fer_edge.cli import execute
from fer_edge.preprocess import Image
from fer_edge.runtime.backends.base import Probabilities
from fer_edge.runtime.compare import LiveComparison
from tests.support.fetched import blazeface, clip

pytestmark = pytest.mark.slow


@pytest.fixture
def artifacts(tiny_artifacts: Path) -> list[str]:
    """int8 TFLite, fp32 TFLite and int8 ONNX of one model: of FER_EDGE_ARTIFACTS, else of the tiny one."""
    own = os.environ.get("FER_EDGE_ARTIFACTS")
    folder, name = (Path(own), "*") if own else (tiny_artifacts, "tiny")
    return [str(next(folder.glob(f"{name}-{ending}"))) for ending in ("int8.tflite", "fp32.tflite", "int8.onnx")]


def test_the_report_agrees_with_verify(
    artifacts: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    blazeface()
    label = read_manifest(Path(artifacts[0])).contract.labels[0]
    crops: list[Image] = []
    observe = LiveComparison.observe

    def keep(self: LiveComparison, seen: Sequence[Image], *rest: Sequence[int] | Probabilities | int) -> None:
        crops.extend(seen)
        observe(self, seen, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(LiveComparison, "observe", keep)
    int8, full, onnx = artifacts
    live = compared([int8, full, onnx], tmp_path / "int8 first", capsys)
    assert live[0]["faces"] == len(crops) >= 100
    for number, crop in enumerate(crops):
        path = tmp_path / "crops" / label / f"{number:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), crop[..., ::-1])
    assert execute(["verify", int8, onnx, "--baseline", full, "--data", str(tmp_path / "crops"), "--json"]) in (0, 3, 7)
    verified = [result["agreement"] for result in json.loads(capsys.readouterr().out)["artifacts"]]
    assert live[1]["agreement"] == pytest.approx(verified[0])  # of int8 and full precision, whichever comes first
    live = compared([full, int8, onnx], tmp_path / "full precision first", capsys)
    assert [model["agreement"] for model in live[1:]] == pytest.approx(verified)


def compared(models: list[str], report: Path, capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    """The models of `run --compare` on the whole clip; its report says what each costs alone."""
    call = ["run", models[0], *(word for other in models[1:] for word in ("--compare", other))]
    call += ["--source", f"file:{clip()}", "--detector", "blazeface", "--sink", "console:", "--json"]
    assert execute([*call, "--report", str(report)]) == 0
    assert "Alone ms" in (report / "compare.md").read_text()
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)["models"]
    return found
