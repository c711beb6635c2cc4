"""A tiny classifier in every format, made once per test run: `python -m tests.support.tiny_models FOLDER` writes it.

Three labels, 32 px; it tells which of red, green and blue is strongest.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from fer_edge.artifact import payload_sha256, write_manifest
from fer_edge.checkpoint import add_checkpoint_info, file_sha256
from fer_edge.contract import InputContract
from fer_edge.manifest import (
    Calibration,
    CheckpointInfo,
    Fingerprint,
    Format,
    GoldenSample,
    Manifest,
    Parity,
    Precision,
    Source,
)
from fer_edge.preprocess import Image
from fer_edge.runtime.backends import open_backend
from fer_edge.scaling import scaling_weights

if TYPE_CHECKING:
    import keras

LABELS = ("red", "green", "blue")
CONTRACT = InputContract(height=32, width=32, colour="rgb", labels=LABELS)
ARTIFACTS = (
    "tiny-fp32.tflite",
    "tiny-fp16.tflite",
    "tiny-dynamic.tflite",
    "tiny-int8.tflite",
    "tiny-fp32.onnx",
    "tiny-fp16.onnx",
    "tiny-int8.onnx",
    "tiny-fp32.xml",
    "tiny-fp16.xml",
    "tiny-int8.xml",
)
BUSY = "busy-int8.tflite"  # 64 px, takes about 2 ms
FORMATS = {".tflite": Format.TFLITE, ".onnx": Format.ONNX, ".xml": Format.OPENVINO}


def tiny_images(count: int, seed: int = 0, size: int = 32, classes: int = 3) -> tuple[Image, Image]:
    """Coloured noise uint8[count, size, size, 3] and its labels, the strongest channel (above 2: shades of it)."""
    random = np.random.default_rng(seed)
    labels = np.arange(count) % classes
    base = random.uniform(20, 90, (count, 1, 1, 3))
    base[np.arange(count), 0, 0, labels % 3] += 90 + 40 * (labels // 3)
    noise = random.normal(0, 12, (count, size, size, 3))
    faces = (base + noise).clip(0, 255).astype(np.uint8)
    faces[:, 0, 0], faces[:, 0, 1] = 0, 255  # the range that makes an int8 input take raw pixels
    return faces, labels.astype(np.uint8)


def write_folder(folder: Path, per_class: int, seed: int = 0, classes: int = 3) -> Path:
    """Write `tiny_images` as PNGs, one folder per label of `make_contract(classes)`; returns `folder`."""
    import cv2

    faces, labels = tiny_images(per_class * classes, seed, classes=classes)
    names = make_contract(classes).labels
    for i, (face, label) in enumerate(zip(faces, labels, strict=True)):
        path = folder / names[int(label)] / f"{i:04}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), face[..., ::-1])
    return folder


def make_contract(classes: int = 3, size: int = 32) -> InputContract:
    """A contract with `classes` labels."""
    labels = (*LABELS, *(f"label {i}" for i in range(3, classes)))[:classes]
    return InputContract(height=size, width=size, colour="rgb", labels=labels)


def make_manifest(
    path: Path,
    precision: Precision = Precision.FP32,
    contract: InputContract = CONTRACT,
    **changes: Any,
) -> Manifest:
    """A valid manifest for the model at `path`, its golden probabilities made up; `changes` replaces fields."""
    probabilities = np.full(len(contract.labels), 0.1 / (len(contract.labels) - 1), np.float32)
    probabilities[0] = 0.9
    face = tiny_images(1, size=contract.height)[0][0]
    fmt = changes.pop("format", None) or FORMATS[path.suffix]
    calibration = Calibration(sha256="c" * 64, count=1, images=(Fingerprint(exact="1" * 16, perceptual="2" * 64),))
    fields: dict[str, Any] = {
        "format": fmt,
        "precision": precision,
        "contract": contract,
        "golden": GoldenSample.of(face, probabilities),
        "payload_sha256": payload_sha256(path, fmt),
        "source": Source(name="tiny.keras", sha256="a" * 64, architecture="tiny"),
        "plan": "plain",
        "calibration": calibration if precision is Precision.INT8 else None,
        "parity": Parity(
            count=1, agreement=1, max_probability_difference=0, mean_probability_difference=0, sqnr_db=None
        ),
        "tools": {"numpy": np.__version__},
    }
    return Manifest(**{**fields, **changes})


def seal(
    path: Path,
    precision: Precision,
    contract: InputContract = CONTRACT,
    **changes: Any,
) -> Manifest:
    """Embed a manifest whose golden sample is what the model really gives."""
    face = tiny_images(1, size=contract.height)[0][0]
    with open_backend(FORMATS[path.suffix], path, contract, precision, threads=1) as backend:
        golden = GoldenSample.of(face, backend.predict(face[None])[0])
    manifest = make_manifest(path, precision, contract, golden=golden, **changes)
    write_manifest(path, manifest)
    return manifest


def build_keras(classes: int = 3, size: int = 32, width: int = 8, depth: int = 0) -> keras.Model:
    """A convolutional classifier of `tiny_images` whose last layer is fitted in closed form."""
    import keras

    keras.utils.set_random_seed(1)
    pixels = keras.Input((size, size, 3), name="pixels")
    scaling = keras.layers.Conv2D(3, 1, name="scaling")
    x = scaling(pixels)
    x = keras.layers.Conv2D(width, 3, strides=2, activation="relu")(x)
    x = keras.layers.Conv2D(2 * width, 3, strides=2, activation="relu")(x)
    for _ in range(depth):
        x = keras.layers.Conv2D(2 * width, 3, padding="same", activation="relu")(x)
    features = keras.layers.GlobalAveragePooling2D()(x)
    dense = keras.layers.Dense(classes, activation="softmax", name="probabilities")
    model = keras.Model(pixels, dense(features), name="tiny")
    scaling.set_weights(scaling_weights("rgb", 1 / 255))
    faces, labels = tiny_images(300, seed=7, size=size, classes=classes)
    known = np.asarray(keras.Model(pixels, features)(faces.astype(np.float32)))
    known = np.hstack([known, np.ones((len(known), 1))])
    solution = np.linalg.lstsq(known, 8.0 * np.eye(classes)[labels], rcond=1e-4)[0]
    dense.set_weights([solution[:-1], solution[-1]])
    return model


def write_checkpoint(model: keras.Model, path: Path, contract: InputContract = CONTRACT) -> None:
    """Save `model` with its contract."""
    model.save(path)
    add_checkpoint_info(path, CheckpointInfo(architecture="tiny", contract=contract))


def write_tflite(model: keras.Model, path: Path, precision: Precision, faces: Image) -> None:
    """Convert at batch 1; int8 takes uint8 pixels."""
    import keras
    import tensorflow as tf

    pixels = keras.Input(batch_shape=(1, *faces.shape[1:]), name="pixels")
    converter = tf.lite.TFLiteConverter.from_keras_model(keras.Model(pixels, model(pixels)))
    if precision is not Precision.FP32:
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if precision is Precision.FP16:
        converter.target_spec.supported_types = [tf.float16]
    if precision is Precision.DYNAMIC:
        converter._experimental_disable_per_channel_quantization_for_dense_layers = True
    if precision is Precision.INT8:
        converter.representative_dataset = lambda: ([face[None].astype(np.float32)] for face in faces)
        converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
        converter.inference_input_type = tf.uint8
    path.write_bytes(converter.convert())


def write_onnx(model: keras.Model, folder: Path, faces: Image) -> None:
    """Write tiny-{fp32,fp16,int8}.onnx."""
    import onnx
    import tensorflow as tf
    from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
    from onnxruntime.transformers.float16 import convert_float_to_float16

    class Reader(CalibrationDataReader):
        def __init__(self) -> None:
            self._faces = iter(faces)

        def get_next(self) -> dict[str, Any] | None:
            face = next(self._faces, None)
            return None if face is None else {"pixels": face[None].astype(np.float32)}

    source = folder / "tiny-fp32.onnx"
    spec = tf.TensorSpec((1, *faces.shape[1:]), tf.float32, name="pixels")
    model.export(source, format="onnx", verbose=False, input_signature=[spec])
    onnx.save(convert_float_to_float16(onnx.load(source), keep_io_types=True), folder / "tiny-fp16.onnx")
    quantize_static(
        source,
        folder / "tiny-int8.onnx",
        Reader(),
        quant_format=QuantFormat.QDQ,
        per_channel=True,
        activation_type=QuantType.QInt8,
        weight_type=QuantType.QInt8,
    )


def write_openvino(source: Path, folder: Path, faces: Image) -> None:
    """Write tiny-{fp32,fp16,int8}.xml from an ONNX file."""
    import nncf
    import openvino

    model = openvino.convert_model(source)
    openvino.save_model(model, folder / "tiny-fp32.xml", compress_to_fp16=False)
    openvino.save_model(model, folder / "tiny-fp16.xml", compress_to_fp16=True)
    dataset = nncf.Dataset([face[None].astype(np.float32) for face in faces])
    openvino.save_model(
        nncf.quantize(model, dataset, subset_size=len(faces)), folder / "tiny-int8.xml", compress_to_fp16=False
    )


def build(folder: Path) -> None:
    """Write the checkpoint and all artifacts, with manifests."""
    faces, _ = tiny_images(30, seed=3)
    model = build_keras()
    write_checkpoint(model, folder / "tiny.keras")
    for precision in Precision:
        write_tflite(model, folder / f"tiny-{precision.value}.tflite", precision, faces)
    write_onnx(model, folder, faces)
    write_openvino(folder / "tiny-fp32.onnx", folder, faces)
    larger, _ = tiny_images(10, seed=3, size=64)
    write_tflite(build_keras(size=64, width=64, depth=10), folder / BUSY, Precision.INT8, larger)
    seal(folder / BUSY, Precision.INT8, make_contract(size=64))
    source = Source(name="tiny.keras", sha256=file_sha256(folder / "tiny.keras"), architecture="tiny")
    for name in ARTIFACTS:
        seal(folder / name, Precision(name.split("-")[1].split(".")[0]), source=source)


@pytest.fixture(scope="session")
def tiny_artifacts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with tiny.keras and `ARTIFACTS`; read only: copy what a test changes. Shared by parallel workers."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if base.name.startswith("popen-") else base) / "tiny-models"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (folder / "done").exists():
            command = [sys.executable, "-m", "tests.support.tiny_models", str(folder)]
            made = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
            assert made.returncode == 0, made.stderr[-3000:]
            (folder / "done").touch()
    return folder


def copied(folder: Path, name: str, target: Path) -> Path:
    """Copy an artifact (with its .bin) into `target`; returns the copy."""
    source = folder / name
    for file in (source, source.with_suffix(".bin")):
        if file.exists():
            (target / file.name).write_bytes(file.read_bytes())
    return target / name


if __name__ == "__main__":
    build(Path(sys.argv[1]))
