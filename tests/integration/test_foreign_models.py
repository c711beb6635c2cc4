"""Keras classifiers that fer-edge did not train, and contracts that do not fit them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import fer_edge
from fer_edge.cli import execute
from tests.support.tiny_models import build_keras, write_folder


def test_a_contract_that_blinds_the_model_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    pixels = keras.Input((32, 32, 3))
    x = keras.layers.Activation("relu")(keras.layers.Conv2D(4, 3)(pixels))
    x = keras.layers.Dense(3, activation="softmax")(keras.layers.GlobalAveragePooling2D()(x))
    keras.Model(pixels, x).save(tmp_path / "foreign.keras")
    data, out = write_folder(tmp_path / "faces", 10), tmp_path / "out"
    call = ["convert", str(tmp_path / "foreign.keras"), "--calibration", str(data), "--calibration-count", "20"]
    call += ["--labels", "red,green,blue", "--to", "tflite", "--precision", "fp32", "--out", str(out)]
    assert execute([*call, "--scale", "0"]) == 8
    assert "scale: must not be 0" in capsys.readouterr().err
    assert execute([*call, "--std", "1", "0", "1"]) == 8
    assert "std.1: must not be 0" in capsys.readouterr().err
    assert execute([*call, "--scale", "1e-12"]) == 8
    assert "gives the same probabilities for all 30 images" in capsys.readouterr().err
    assert not list(out.glob("*.tflite"))


def test_a_model_below_chance_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    inner = build_keras()
    keras.Sequential([keras.Input((32, 32, 3)), *inner.layers[2:]]).save(tmp_path / "foreign.keras")
    call = ["convert", str(tmp_path / "foreign.keras"), "--calibration", str(write_folder(tmp_path / "faces", 10))]
    call += ["--calibration-count", "20", "--to", "tflite", "--precision", "fp32", "--out"]
    assert execute([*call, str(tmp_path / "right"), "--labels", "red,green,blue"]) == 0
    assert "warning" not in capsys.readouterr().err
    assert execute([*call, str(tmp_path / "wrong"), "--labels", "green,blue,red"]) == 0
    assert "warning: chance gives 33.3%; check" in capsys.readouterr().err


def test_a_foreign_model_gets_its_contract_from_options(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import keras

    model = build_keras()
    inner = keras.Sequential([keras.Input((32, 32, 3)), *model.layers[2:]], name="foreign")  # without the scaling
    inner.save(tmp_path / "foreign.keras")
    data = write_folder(tmp_path / "faces", 10)
    call = ["convert", str(tmp_path / "foreign.keras"), "--calibration", str(data), "--calibration-count", "20"]
    call += ["--to", "tflite", "--precision", "fp32", "--out", str(tmp_path / "out")]
    assert execute(call) == 8
    assert "3 outputs" in capsys.readouterr().err
    assert execute([*call, "--labels", "red,green,blue"]) == 0
    artifact, baseline = tmp_path / "out" / "foreign-fp32.tflite", tmp_path / "out" / "foreign-fp32.keras"
    with fer_edge.load(artifact) as converted, fer_edge.load(baseline) as wrapped:
        face = np.random.default_rng(0).integers(0, 255, (1, 32, 32, 3), np.uint8)
        expected = np.asarray(model(face.astype(np.float32)))
        np.testing.assert_allclose(converted.predict(face), expected, atol=1e-5)
        np.testing.assert_allclose(wrapped.predict(face), expected, atol=1e-5)


def test_a_foreign_model_of_mixed_precision_and_large_input_runs_in_float32(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    import keras

    keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        pixels = keras.Input((300, 300, 3))
        x = keras.layers.GlobalAveragePooling2D()(keras.layers.Conv2D(4, 3, strides=8)(pixels))
        keras.Model(pixels, keras.layers.Dense(3, activation="softmax")(x)).save(tmp_path / "foreign.keras")
    finally:
        keras.config.set_dtype_policy("float32")
    data, out = write_folder(tmp_path / "faces", 10), tmp_path / "out"
    call = ["convert", str(tmp_path / "foreign.keras"), "--calibration", str(data), "--calibration-count", "20"]
    call += ["--labels", "red,green,blue", "--to", "tflite", "--precision", "fp32", "--out", str(out)]
    assert execute(call) == 0
    wrapped = (out / "foreign-fp32.keras").read_bytes()
    with fer_edge.load(out / "foreign-fp32.keras") as backend:
        assert backend.executed_precision == "fp32"
    assert execute([*call, "--resume"]) == 0
    capsys.readouterr()
    assert execute([*call, "--resume", "--scale", "0.5"]) == 8
    assert "made from another model or contract" in capsys.readouterr().err
    assert (out / "foreign-fp32.keras").read_bytes() == wrapped
    assert execute([*call, "--overwrite", "--scale", "0.5"]) == 0
    assert (out / "foreign-fp32.keras").read_bytes() != wrapped
    verified = ["verify", str(out / "foreign-fp32.tflite"), "--baseline", str(out / "foreign-fp32.keras"), "--json"]
    capsys.readouterr()
    assert execute([*verified, "--data", str(write_folder(tmp_path / "test", 20, seed=3))]) in (0, 7)
    assert "not converted from" not in capsys.readouterr().out
