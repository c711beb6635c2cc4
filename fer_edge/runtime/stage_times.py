"""How long the stages of the pipeline take."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from time import perf_counter_ns

import numpy as np

from fer_edge.percentiles import percentile_ms

KEPT = 2048  # newest samples of each stage


@dataclass(frozen=True)
class StageFigures:
    """One stage.

    Attributes:
        count: how often it ran.
        p50_ms: median of the newest samples; None while there are too few, see `percentile_ms`.
        p95_ms: and the 95th percentile.
    """

    count: int
    p50_ms: float | None
    p95_ms: float | None


class StageTimes:
    """Collects samples from several threads; memory stays the same however long it runs."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._samples: dict[str, deque[int]] = {}
        self._counts: dict[str, int] = {}

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Time what is inside."""
        started = perf_counter_ns()
        yield
        self.add(stage, perf_counter_ns() - started)

    def add(self, stage: str, nanoseconds: int) -> None:
        """Add a sample."""
        with self._lock:
            self._samples.setdefault(stage, deque(maxlen=KEPT)).append(nanoseconds)
            self._counts[stage] = self._counts.get(stage, 0) + 1

    def figures(self) -> dict[str, StageFigures]:
        """What is known now, in the order in which the stages first ran."""
        with self._lock:
            samples = {stage: np.array(kept, np.int64) for stage, kept in self._samples.items()}
            counts = dict(self._counts)
        return {
            stage: StageFigures(counts[stage], percentile_ms(kept, 50), percentile_ms(kept, 95))
            for stage, kept in samples.items()
        }
