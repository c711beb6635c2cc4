"""Several models on the same face crops, live: what quantization changed on this very camera."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from time import perf_counter_ns

import numpy as np

from fer_edge.errors import UsageError
from fer_edge.percentiles import percentile_ms
from fer_edge.preprocess import Image, preprocess
from fer_edge.runtime.backends.base import CheckedBackend, Probabilities

KEPT = 4096  # newest latencies of each model
ALONE_RUNS = 60
ALONE_S = 1.0  # for all models together: a stopped service ends within two seconds


@dataclass(frozen=True)
class ModelFigures:
    """One model of a comparison.

    Attributes:
        name: its file or zoo name.
        runtime: what executes it.
        executed_precision: what its arithmetic runs in.
        faces: crops it classified.
        latency_ms: percentiles "p50", "p90", "p99" for one face; None where there are too few samples.
        alone_ms: median for one face when no other model runs in between; None before `finish`.
        agreement: fraction of the faces that it labels as the first model does; None for the first.
        max_difference: largest difference of a probability from the first model's; None for the first.
        flips_per_minute: changes of its unsmoothed label, per minute and face in view.
    """

    name: str
    runtime: str
    executed_precision: str
    faces: int
    latency_ms: dict[str, float | None]
    alone_ms: float | None
    agreement: float | None
    max_difference: float | None
    flips_per_minute: float | None


@dataclass
class _Tally:
    name: str
    backend: CheckedBackend
    latencies_ns: deque[int] = field(default_factory=lambda: deque(maxlen=KEPT))
    faces: int = 0
    agreed: int = 0
    max_difference: float = 0.0
    flips: int = 0
    labels: dict[int, int] = field(default_factory=dict)
    alone_ms: float | None = None


class LiveComparison:
    """Shows every crop to all models and counts.

    Args:
        models: names and opened models; the first is the one whose labels are published.

    Raises:
        UsageError: the models have other labels, or another order.
    """

    def __init__(self, models: Sequence[tuple[str, CheckedBackend]]) -> None:
        first = models[0][1].contract.labels
        for name, backend in models[1:]:
            if backend.contract.labels != first:
                raise UsageError(
                    f"{name} has the labels {', '.join(backend.contract.labels)}, not {', '.join(first)}",
                    "Compare models of the same labels in the same order",
                )
        self._tallies = [_Tally(name, backend) for name, backend in models]
        self._lock = threading.Lock()
        self._last: Image | None = None
        self._seen_ns = 0  # time of all faces in view, added up
        self._seen_at: dict[int, int] = {}

    def observe(
        self, crops: Sequence[Image], tracks: Sequence[int], rows: Probabilities, captured_ns: int, took_ns: int
    ) -> None:
        """Take what the first model gave for the crops of one frame, and run the others.

        Args:
            crops: uint8[h, w, 3] each, as cut from the frame.
            tracks: number of each face.
            rows: float32[N, labels], the first model's probabilities.
            captured_ns: of the frame.
            took_ns: what the first model took for all of them.
        """
        results = [(rows, took_ns)]
        for tally in self._tallies[1:]:
            faces = np.stack([preprocess(crop, tally.backend.contract) for crop in crops])
            started = perf_counter_ns()
            results.append((tally.backend.predict(faces), perf_counter_ns() - started))
        with self._lock:
            for tally, (values, nanoseconds) in zip(self._tallies, results, strict=True):
                self._count(tally, values, rows, tracks, nanoseconds)
            for track in tracks:
                gap = captured_ns - self._seen_at.get(track, captured_ns)
                self._seen_ns += gap if gap < 10**9 else 0
            self._seen_at = dict.fromkeys(tracks, captured_ns)
            self._last = np.array(crops[0])

    def _count(
        self, tally: _Tally, values: Probabilities, first: Probabilities, tracks: Sequence[int], nanoseconds: int
    ) -> None:
        labels = values.argmax(axis=1)
        tally.latencies_ns.extend([nanoseconds // len(values)] * len(values))
        tally.faces += len(values)
        tally.agreed += int((labels == first.argmax(axis=1)).sum())
        tally.max_difference = max(tally.max_difference, float(np.abs(values - first).max()))
        now = dict(zip(tracks, (int(label) for label in labels), strict=True))
        tally.flips += sum(tally.labels.get(track, label) != label for track, label in now.items())
        tally.labels = now

    def finish(self) -> None:
        """Time every model alone on the last face, when the pipeline has ended: what the company costs."""
        if self._last is None:
            return
        for tally in self._tallies:
            face = preprocess(self._last, tally.backend.contract)[None]
            samples: list[int] = []
            end = perf_counter_ns() + ALONE_S / len(self._tallies) * 1e9
            while len(samples) < ALONE_RUNS and (perf_counter_ns() < end or len(samples) < 2):
                started = perf_counter_ns()
                tally.backend.predict(face)
                samples.append(perf_counter_ns() - started)
            tally.alone_ms = float(np.median(samples[-(-len(samples) // 6) :])) / 1e6

    def figures(self) -> list[ModelFigures]:
        """What is known now, the first model first."""
        with self._lock:
            return [self._figures(tally, tally is self._tallies[0]) for tally in self._tallies]

    def _figures(self, tally: _Tally, is_first: bool) -> ModelFigures:
        samples = np.array(tally.latencies_ns, np.int64)
        latency = {f"p{q}": percentile_ms(samples, q) for q in (50, 90, 99)}
        minutes = self._seen_ns / 60e9
        compared = not is_first and tally.faces > 0
        return ModelFigures(
            tally.name,
            tally.backend.runtime,
            tally.backend.executed_precision,
            tally.faces,
            latency,
            tally.alone_ms,
            tally.agreed / tally.faces if compared else None,
            tally.max_difference if compared else None,
            tally.flips / minutes if minutes > 0 else None,
        )
