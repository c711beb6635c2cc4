"""A backend without a model: for tests, documentation, and to measure what the code around a model costs."""

from __future__ import annotations

import time
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from fer_edge.contract import InputContract
from fer_edge.preprocess import Image
from fer_edge.runtime.backends.base import CheckedBackend


class FakeBackend(CheckedBackend):
    """Gives probabilities that depend on the pixels only.

    Args:
        contract: its labels and size.
        seconds: how long a face takes.
        work: spends them; the default leaves the processor idle.
    """

    def __init__(
        self, contract: InputContract, seconds: float = 0.0, work: Callable[[float], object] = time.sleep
    ) -> None:
        super().__init__(contract, "fake", "fp32")
        self._seconds, self._work = seconds, work

    def _infer(self, face: Image) -> npt.NDArray[np.float32]:
        if self._seconds:
            self._work(self._seconds)
        labels = len(self.contract.labels)
        sums = np.bincount(np.arange(face.size) % labels, face.ravel(), labels)
        return np.asarray((sums + 1) / (sums + 1).sum(), np.float32)
