from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from benchmarks.isolated import footprint
from fer_edge.artifact import read_manifest
from fer_edge.cli import execute
from fer_edge.errors import FerEdgeError
from fer_edge.manifest import Precision
from tests.support.comparison import Shelf, manifest, write_pictures
from tests.support.comparison import shelf as shelf
from tests.support.comparison import steady as steady
from tests.support.tiny_models import copied, seal


@pytest.fixture
def data(tmp_path: Path) -> str:
    return str(write_pictures(tmp_path / "data", 450, seed=11))


def test_verify_passes_and_prints_one_document(
    shelf: Shelf, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8))
    saved = tmp_path / "baseline.npz"
    command = ["verify", "int8.tflite", "int8.bin", "--data", data, "--json"]
    assert execute([*command, "--baseline", "fp32.tflite", "--save-baseline", str(saved)]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["settings"]["margin"] == 0.01
    assert found["artifacts"][0]["verdict"] == "NON_INFERIOR"
    assert "latency_ms" not in found["artifacts"][0]
    assert "[1/2]" in err
    assert "NON_INFERIOR" in err
    assert execute([*command, "--baseline", str(saved)]) == 0


def test_verify_of_a_broken_model_exits_3(shelf: Shelf, data: str, capsys: pytest.CaptureFixture[str]) -> None:
    shelf.put("fp32.tflite")
    shelf.put("int8.tflite", manifest(Precision.INT8), order=(2, 1, 0))
    assert execute(["verify", "int8.tflite", "--data", data, "--baseline", "fp32.tflite"]) == 3
    assert "INFERIOR" in capsys.readouterr().err
    assert execute(["verify", "int8.tflite", "--data", data, "--baseline", "fp32.tflite", "--margin", "90"]) == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["verify", "absent.tflite", "--baseline", "absent.keras"], 8),
        (["verify", "--baseline", "absent.keras"], 2),
        (["verify", "absent.tflite", "--baseline", "absent.npz"], 8),
        (["verify", "absent.tflite", "--baseline", "absent.keras", "--save-baseline", "x.txt"], 2),
        (["verify", "absent.tflite", "--baseline", "absent.keras", "--margin", "-1"], 2),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    arguments: list[str],
    code: int,
    data: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    before = set(tmp_path.iterdir())
    assert execute([*arguments, "--data", data]) == code
    assert "Traceback" not in capsys.readouterr().err
    assert set(tmp_path.iterdir()) == before


def test_benchmark_writes_its_results_once(
    shelf: Shelf, steady: None, data: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shelf.put("fp32.tflite", seconds=0.002)
    shelf.put("int8.tflite", manifest(Precision.INT8), seconds=0.001, executed="int8")
    out = tmp_path / "out"
    command = ["benchmark", "fp32.tflite", "int8.tflite", "--baseline", "fp32.tflite", "--data", data]
    command += ["--out", str(out), "--min-seconds", "0.2"]
    assert execute([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == json.loads((out / "results.json").read_text())
    assert execute(command) == 8
    assert "--overwrite" in capsys.readouterr().err
    assert execute([*command, "--overwrite"]) == 0


def test_a_model_of_the_zoo_keeps_its_name_in_the_results(
    shelf: Shelf, steady: None, data: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf.put("known.tflite")
    (tmp_path / "zoo/known").mkdir(parents=True)
    (tmp_path / "zoo/known/known.tflite").touch()
    monkeypatch.setattr("fer_edge.models.ZOO", tmp_path / "zoo")
    out = tmp_path / "out"
    command = ["benchmark", "zoo:known", shelf.put("int8.tflite", manifest(Precision.INT8)), "--data", data]
    execute([*command, "--baseline", "zoo:known", "--out", str(out), "--min-seconds", "0.1"])
    found = json.loads((out / "results.json").read_text())
    assert found["baseline"]["path"] == found["artifacts"][0]["path"] == "zoo:known"
    for file in ("results.json", "report.md"):
        assert str(tmp_path / "zoo") not in (out / file).read_text()


def break_scale(path: Path) -> None:
    """Multiply the scale of the first output's weights by -1 in an int8 TFLite file, as a wrong converter might."""
    import ai_edge_litert.interpreter

    interpreter = ai_edge_litert.interpreter.Interpreter(str(path))
    interpreter.allocate_tensors()
    scales = [
        np.asarray(t["quantization_parameters"]["scales"], np.float32)
        for t in interpreter.get_tensor_details()
        if t["dtype"] is np.int8 and list(t["shape"]) == [3, 16]
    ]
    assert len(scales) == 1
    del interpreter
    wrong = scales[0].copy()
    wrong[0] /= 20
    content = path.read_bytes()
    assert content.count(scales[0].tobytes()) == 1
    path.write_bytes(content.replace(scales[0].tobytes(), wrong.tobytes()))


def test_a_wrong_scale_in_a_real_int8_file_is_inferior(
    tiny_artifacts: Path, tmp_path: Path, data: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = copied(tiny_artifacts, "tiny-int8.tflite", tmp_path)
    source = read_manifest(path).source
    break_scale(path)
    seal(path, Precision.INT8, source=source)
    sound = str(tiny_artifacts / "tiny-int8.tflite")
    command = ["verify", sound, str(path), "--baseline", str(tiny_artifacts / "tiny-fp32.tflite"), "--data", data]
    assert execute([*command, "--json"]) == 3
    verdicts = [a["verdict"] for a in json.loads(capsys.readouterr().out)["artifacts"]]
    assert verdicts == ["NON_INFERIOR", "INFERIOR"]


def test_footprint_is_measured_in_another_process(
    tiny_artifacts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "benchmarks").mkdir()
    (tmp_path / "benchmarks" / "__init__.py").write_text("raise SystemExit('the wrong package')")
    monkeypatch.chdir(tmp_path)
    cost = footprint(Path(os.path.relpath(tiny_artifacts / "tiny-int8.tflite")), threads=1)
    assert 20 < cost.peak_rss_mb < 200
    assert 0 < cost.first_inference_ms < 60_000
    with pytest.raises(FerEdgeError, match=r"absent\.tflite"):
        footprint(tmp_path / "absent.tflite")
