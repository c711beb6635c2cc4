"""Where the two camera stand-ins run; `make test-cameras` sets them up."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge.synthetic import face

ROOT = Path(__file__).parents[2]
MODELS = ROOT / "runs" / "cameras" / "models"
SETUP = "make test-cameras sets it up (as root, on Debian)"
FRAME = (640, 480)


def camera_picture(number: int) -> np.ndarray:
    """Two drawn faces; above them a red strip on the left and a blue one on the right: RGB."""
    picture = np.full((FRAME[1], FRAME[0], 3), 120, np.uint8)
    picture[:60, : FRAME[0] // 2] = (220, 20, 20)
    picture[:60, FRAME[0] // 2 :] = (20, 20, 220)
    for i, label in enumerate(("happy", "surprise")):
        left, side = 60 + 300 * i + 4 * number, 220
        picture[180 : 180 + side, left : left + side] = face(label, np.random.default_rng(i), side)
    return picture


@pytest.fixture(scope="session")
def pi() -> Path:
    """The root of `pi_root.sh`, with pictures for its camera."""
    root = Path(os.environ.get("FER_EDGE_PI_ROOT", ""))
    if not (root / "ready").is_file():
        pytest.skip(f"needs a root with libcamera's virtual camera: {SETUP}")
    for number in range(5):
        cv2.imwrite(str(root / "srv/frames" / f"{number}.jpg"), camera_picture(number)[..., ::-1])
    shutil.copytree(MODELS, root / "srv/models", dirs_exist_ok=True)
    return root


def in_pi(root: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python in that root, with the stand-ins that the virtual camera needs."""
    variables = ["HOME=/root", "PATH=/srv/environment/bin:/usr/bin:/bin", "LD_PRELOAD=/srv/dmabuf_shim.so"]
    variables += ["PYTHONPATH=/srv/stand-ins", "LIBCAMERA_LOG_LEVELS=*:ERROR"]
    variables += [f"{name}={value}" for name, value in environment.items()]
    command = ["chroot", str(root), "env", "-i", *variables, "/srv/environment/bin/python", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def on_jetson(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in a process that knows the elements of a Jetson."""
    script = "import sys, jetson_elements; jetson_elements.register(); from fer_edge.cli import execute; "
    script += "sys.exit(execute(sys.argv[1:]))"
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, "-c", script, *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment)


def compare_call(models: str, source: str, report: str) -> list[str]:
    """int8 against full precision, and TFLite against ONNX, on one camera."""
    call = ["run", f"{models}/tiny-int8.tflite", "--compare", f"{models}/tiny-fp32.tflite"]
    call += ["--compare", f"{models}/tiny-int8.onnx", "--source", source, "--detector", "haar", "--sink", "console:"]
    return [*call, "--max-frames", "150", "--json", "--report", report]


def check_comparison(printed: str, table: str) -> None:
    """What `run --compare` found: all saw the same faces, and each was also timed alone."""
    models = json.loads(printed)["models"]
    assert [model["executed_precision"] for model in models] == ["int8", "fp32", "int8"]
    assert len({model["faces"] for model in models}) == 1
    assert models[0]["faces"] >= 100
    assert all(model["agreement"] >= 0.95 for model in models[1:])
    assert all(model["alone_ms"] > 0 and model["latency_ms"]["p50"] > 0 for model in models)
    assert "Alone ms" in table


def check_verified(printed: str) -> None:
    """What `verify` found on captured crops: both models say the same of them."""
    document = json.loads(printed)
    assert document["data"]["n"] == 8
    assert document["artifacts"][0]["agreement"] >= 0.75
