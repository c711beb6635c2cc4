"""Raspberry Pi OS's userland, emulated: the commands work there, and compute what this machine computes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import closing
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from benchmarks.accuracy import predict_all
from benchmarks.baseline import SavedPredictions
from benchmarks.models import open_artifact
from fer_edge.data.fingerprint import fingerprints
from fer_edge.data.folder import open_images
from fer_edge.models import DEFAULT_MODEL, resolve_model
from tests.arm64.conftest import FRAMES, Both
from tests.support.tiny_models import ARTIFACTS

pytestmark = pytest.mark.arm64

EMULATED = "emulated by qemu-user: its timings mean nothing"
RUNTIMES = ("cv2", "ai_edge_litert", "onnxruntime", "openvino", "scipy", "inference", "model")
FLOAT_TOLERANCE = 1e-5
INT8_TOLERANCE = 2 / 256  # two steps of an int8 output
BOX_TOLERANCE = 0.15  # pixels; boxes are written with one decimal
# The two builds of FFmpeg in OpenCV's wheels turn the clip into pixels that differ by up to 2 of 255.
DECODED_TOLERANCE, DECODED_BOX_TOLERANCE = 0.03, 0.5


def probabilities(printed: str) -> npt.NDArray[np.float64]:
    """What `predict --whole-image --json` printed: float64[N, K]."""
    images = json.loads(printed)["images"]
    return np.array([list(image["faces"][0]["probabilities"].values()) for image in images])


def messages(both: Both, run: Callable[..., str], *options: str) -> list[dict[str, Any]]:
    """What `run` wrote, a message for each frame."""
    path = both.files / "seen.jsonl"
    path.unlink(missing_ok=True)
    summary = json.loads(
        run("run", DEFAULT_MODEL, *options, "--sink", f"jsonl:{path.name}", "--max-frames", str(FRAMES), "--json")
    )
    assert summary["frames"] == FRAMES
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_doctor_finds_that_everything_works_and_what_processor_this_is(both: Both) -> None:
    document = json.loads(both.there("doctor", "--json"))
    assert EMULATED in document["system"]["cpu"]
    assert document["system"]["system"].endswith("aarch64")
    assert document["system"]["python"].startswith("3.11.")
    status = {check["name"]: check["status"] for check in document["checks"]}
    assert {name: status[name] for name in RUNTIMES} == dict.fromkeys(RUNTIMES, "ok")
    assert "fail" not in status.values()


@pytest.mark.parametrize("model", [DEFAULT_MODEL, *(f"tiny/{name}" for name in ARTIFACTS)])
def test_the_same_pictures_get_the_same_probabilities(
    both: Both, faces: list[str], colours: list[str], note: Callable[[str], None], model: str
) -> None:
    pictures = faces if model == DEFAULT_MODEL else colours
    call = ["predict", model, *pictures, "--whole-image", "--json"]
    here, there = probabilities(both.here(*call)), probabilities(both.there(*call))
    difference = float(np.abs(here - there).max())
    agreement = float((here.argmax(axis=1) == there.argmax(axis=1)).mean())
    note(f"predict {model}: probability {difference:.2g}, same label {agreement:.0%} of {len(here)}")
    assert len(here) == len(pictures)
    assert difference <= (INT8_TOLERANCE if model == DEFAULT_MODEL or "int8" in model else FLOAT_TOLERANCE)
    assert agreement >= 0.98


@pytest.mark.parametrize(
    ("source", "detector", "tolerance", "box_tolerance"),
    [
        ("images:frames", "blazeface", INT8_TOLERANCE, BOX_TOLERANCE),
        ("images:frames", "haar", INT8_TOLERANCE, BOX_TOLERANCE),
        ("file:clip.mp4", "blazeface", DECODED_TOLERANCE, DECODED_BOX_TOLERANCE),
    ],
)
def test_run_sees_the_same_faces(
    both: Both,
    film: None,
    note: Callable[[str], None],
    source: str,
    detector: str,
    tolerance: float,
    box_tolerance: float,
) -> None:
    options = ["--source", source, "--detector", detector]
    here, there = messages(both, both.here, *options), messages(both, both.there, *options)
    assert [len(message["faces"]) for message in there] == [1] * FRAMES
    pairs = [(a["faces"][0], b["faces"][0]) for a, b in zip(here, there, strict=True)]
    box = max(float(np.abs(np.subtract(a["box"], b["box"])).max()) for a, b in pairs)
    labels = pairs[0][0]["probabilities"]
    probability = max(abs(a["probabilities"][name] - b["probabilities"][name]) for a, b in pairs for name in labels)
    note(f"run {source} {detector}: box {box:.1f} px, probability {probability:.2g}, {FRAMES} frames")
    assert box <= box_tolerance
    assert probability <= tolerance
    assert [a["label"] for a, _ in pairs] == [b["label"] for _, b in pairs]


def test_verify_compares_with_what_this_machine_predicted(both: Both, faces: list[str]) -> None:
    model = open_artifact(resolve_model(DEFAULT_MODEL), None, None)
    with closing(model.backend):
        images = open_images(str(both.files / "faces"), prefer="test", labels=model.labels)
        exact = tuple(print_.exact for print_ in fingerprints(images))
        rows = predict_all(model.backend, images, DEFAULT_MODEL)
    SavedPredictions.of(model, exact, images.targets, rows).save(both.files / "here.npz")
    call = ["verify", DEFAULT_MODEL, "--baseline", "here.npz", "--data", "faces", "--json"]
    document = json.loads(both.there(*call, code=7))  # 50 faces never decide
    assert EMULATED in document["device"]["machine"]["cpu"]
    assert document["data"]["n"] == len(faces)
    assert document["artifacts"][0]["executed_precision"] == "int8"
    assert document["artifacts"][0]["agreement"] >= 0.98


def test_verify_with_an_fp32_artifact_finds_the_same_on_both_machines(both: Both, colours: list[str]) -> None:
    call = ["verify", *(f"tiny/{name}" for name in ARTIFACTS), "--baseline", "tiny/tiny-fp32.tflite"]
    call += ["--data", "colours", "--json"]
    here, there = (json.loads(run(*call, code=7)) for run in (both.here, both.there))
    assert len(there["artifacts"]) == len(ARTIFACTS)
    for a, b in zip(here["artifacts"], there["artifacts"], strict=True):
        # OpenVINO's int8 is wrong on ARM, and the backend does without it.
        assert b["executed_precision"] == ("fp32" if a["path"].endswith("int8.xml") else a["executed_precision"])
        for key in ("path", "accuracy", "agreement", "delta_accuracy", "verdict"):
            assert a[key] == b[key], (a["path"], key)
