"""What importing the package loads, and what its public names are."""

from __future__ import annotations

import subprocess
import sys

import pytest

import fer_edge

HEAVY = ("tensorflow", "keras", "cv2", "onnx", "onnxruntime", "openvino", "nncf", "ai_edge_litert", "tflite_runtime")


def python(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("module", ["fer_edge", "fer_edge.cli", "fer_edge.cli.inspect", "fer_edge.cli.predict"])
def test_it_loads_nothing_heavy(module: str) -> None:
    assert python(f"import sys, {module}; print(*[m for m in {HEAVY!r} if m in sys.modules])") == ""


def test_the_runtime_loads_no_runtime_before_it_is_needed() -> None:
    code = f"import sys, fer_edge; fer_edge.load; print(*[m for m in {HEAVY!r} if m in sys.modules])"
    assert python(code) == "cv2"


def test_public_names() -> None:
    assert fer_edge.__all__ == ["InputContract", "crop", "load", "preprocess", "read_image"]
    assert set(fer_edge.__all__) <= set(dir(fer_edge))
    assert all(callable(getattr(fer_edge, name)) for name in fer_edge.__all__)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        fer_edge.nothing  # noqa: B018


@pytest.mark.parametrize("first", ["import fer_edge.preprocess", "from fer_edge.preprocess import Image", "pass"])
def test_preprocess_is_the_function_whatever_was_imported_before(first: str) -> None:
    code = f"import fer_edge; {first}; print(type(fer_edge.preprocess).__name__)"
    assert python(code) == "function"
