"""`pip install .` without extras, in an environment of its own: the device side is small."""

from __future__ import annotations

import json
import subprocess
import venv
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge.synthetic import random_face
from tests.support.measured import fer_edge

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
MAX_PEAK_MB = 150
ABSENT = ("tensorflow", "keras", "matplotlib", "onnx", "onnxruntime", "openvino", "scipy", "sklearn")
# Not from the checkout: the folder it starts in holds none of our code.
LOOK = """
import importlib.util, pathlib, sys, fer_edge
print(*(name for name in sys.argv[1:] if importlib.util.find_spec(name)))
package = pathlib.Path(fer_edge.__file__).parent
print(package.is_relative_to(sys.prefix))
print(*sorted({path.suffix for path in package.glob("zoo/*/*")} & {".keras", ".tflite"}))
"""


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment with nothing but fer-edge's base."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=True)
    interpreter = folder / "bin" / "python"
    pip = [interpreter, "-m", "pip", "install", "--quiet", "-c", ROOT / "constraints.txt", ROOT]
    done = subprocess.run([str(word) for word in pip], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return interpreter


def test_no_training_or_conversion_package_comes_along(python: Path, tmp_path: Path) -> None:
    look = [str(python), "-c", LOOK, *ABSENT]
    done = subprocess.run(look, capture_output=True, text=True, check=True, cwd=tmp_path)
    present, ours, models = done.stdout.splitlines()
    assert present == ""
    assert ours == "True"
    assert models == ".tflite"


def test_predict_with_the_default_model_is_small(python: Path, tmp_path: Path) -> None:
    photo = tmp_path / "face.png"
    cv2.imwrite(str(photo), random_face(np.random.default_rng(3), 160)[..., ::-1])
    out, seconds, peak_mb = fer_edge("predict", str(photo), "--json", python=python, folder=tmp_path)
    print(f"predict: {seconds:.1f} s, peak {peak_mb} MB")
    assert json.loads(out)
    assert peak_mb <= MAX_PEAK_MB
