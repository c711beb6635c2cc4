"""The pipeline with stages that keep a processor core busy each, as detectors and models do; needs two idle cores."""

from __future__ import annotations

import hashlib
import time

import pytest

from tests.integration.test_pipeline import check_throughput_and_freshness
from tests.support.measured import undisturbed

pytestmark = pytest.mark.slow

BLOCK = bytes(2**18)


def spin(seconds: float) -> None:
    """Compute for so long without holding the interpreter, as native code does."""
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        hashlib.sha256(BLOCK).digest()


@pytest.mark.parametrize(("fps", "detect_ms", "classify_ms"), [(60, 5, 5), (60, 10, 12), (60, 25, 5), (30, 5, 45)])
def test_throughput_and_freshness(fps: float, detect_ms: float, classify_ms: float) -> None:
    undisturbed(lambda: check_throughput_and_freshness(fps, detect_ms, classify_ms, spin))
