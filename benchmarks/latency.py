"""Time models in turns, in one process, so that what the machine does meanwhile happens to all of them."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fer_edge.data.folder import LabelledImages
from fer_edge.device_state import device_state, foreign_load, throttled
from fer_edge.evaluation.results import Conditions, LatencyResult, Speedup
from fer_edge.evaluation.statistics import Samples, median_ratio_interval
from fer_edge.preprocess import Image, preprocess
from fer_edge.runtime.backends.base import Backend

ROUNDS = 10
WARM_UP_S = 0.3
FACES = 16
MAX_DRIFT = 0.10
MAX_FOREIGN_LOAD = 0.20
ORDER_SEED = 0


@dataclass(frozen=True)
class LatencyRun:
    """Times of several models, and the machine meanwhile.

    Attributes:
        results: model name -> its times.
    """

    results: Mapping[str, LatencyResult]
    conditions: Conditions


def measure(
    models: Mapping[str, Backend],
    images: LabelledImages,
    references: Sequence[str],
    seconds: float,
    say: Callable[[str], None] = lambda _: None,
) -> LatencyRun:
    """Time one face at a time: every round gives each model a block, in a shuffled order.

    Args:
        models: name -> opened model; `predict` is timed as a caller sees it.
        images: the first few are the faces.
        references: names of the full-precision models, whose steadiness decides whether the run is valid.
        seconds: least time per model, without warm-up.
        say: takes progress messages.
    """
    faces = {name: _faces(images, backend) for name, backend in models.items()}
    for name, backend in models.items():
        _block(backend, faces[name], WARM_UP_S)
    blocks: dict[str, list[Samples]] = {name: [] for name in models}
    random = np.random.default_rng(ORDER_SEED)
    states = [device_state()]
    start_s, start_own_s = time.perf_counter(), time.process_time()
    for number in range(ROUNDS):
        say(f"round {number + 1}/{ROUNDS}")
        for i in random.permutation(len(models)):
            name = list(models)[i]
            blocks[name].append(_block(models[name], faces[name], seconds / ROUNDS))
        states.append(device_state())
    foreign = foreign_load(states[0], states[-1], time.process_time() - start_own_s, time.perf_counter() - start_s)
    results = {name: LatencyResult(tuple(b)) for name, b in blocks.items()}
    problems = _problems({r: results[r].drift for r in references}, throttled(states), foreign)
    return LatencyRun(results, Conditions(states[0], states[-1], foreign, problems))


def speedup(reference: LatencyResult, candidate: LatencyResult, name: str) -> Speedup:
    """How many times as fast as `reference` the candidate is: the ratio of the medians of two models of one run.

    Args:
        reference: with as many blocks as the candidate.
        candidate: of the same run.
        name: the reference's.
    """
    value = float(np.median(reference.samples_ns) / np.median(candidate.samples_ns))
    return Speedup(value, median_ratio_interval(reference.blocks_ns, candidate.blocks_ns), name)


def _faces(images: LabelledImages, backend: Backend) -> list[Image]:
    """A few faces, uint8[1, H, W, 3] each."""
    return [preprocess(images.image(i), backend.contract)[None] for i in range(min(FACES, len(images)))]


def _block(backend: Backend, faces: list[Image], seconds: float) -> Samples:
    """Time calls for `seconds`, at least two, after two calls that fill the caches again; int64[n], nanoseconds."""
    predict, clock = backend.predict, time.perf_counter_ns
    samples: list[int] = []
    collected = gc.isenabled()
    gc.disable()
    try:
        for i in range(2):
            predict(faces[i % len(faces)])
        end = clock() + int(seconds * 1e9)
        while len(samples) < 2 or clock() < end:
            face = faces[len(samples) % len(faces)]
            before = clock()
            predict(face)
            samples.append(clock() - before)
    finally:
        if collected:
            gc.enable()
    return np.array(samples, np.int64)


def _problems(drifts: Mapping[str, float], was_throttled: bool, foreign: float | None) -> tuple[str, ...]:
    problems = []
    worst = max(drifts, key=lambda name: drifts[name], default="")
    if worst and drifts[worst] > MAX_DRIFT:
        problems.append(
            f"the machine was unsteady: {worst}'s block medians differ by {drifts[worst]:.0%} (limit {MAX_DRIFT:.0%}). "
            "Stop other programs, fix the clock (sudo cpupower frequency-set -g performance) or raise --min-seconds"
        )
    if was_throttled:
        problems.append(
            "the processor throttled itself. Cool it, use the power supply made for the device, then run again"
        )
    if foreign is not None and foreign > MAX_FOREIGN_LOAD:
        problems.append(
            f"other processes took {foreign:.0%} of the processor (limit {MAX_FOREIGN_LOAD:.0%}). "
            "Stop them (top shows which), then run again"
        )
    return tuple(problems)
