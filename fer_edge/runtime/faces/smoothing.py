"""A label that does not flicker: probabilities averaged over time, and hysteresis on the label."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

MEMORY_S = 0.4  # time constant of the average
LEAD = 0.25  # by which another label's probability must exceed the present one's
FORGET_S = 2.0


@dataclass
class _State:
    probabilities: Floats
    label: int
    since_ns: int
    seen_ns: int


@dataclass(frozen=True)
class Smoothed:
    """What is known of one face.

    Attributes:
        probabilities: float32[labels], averaged, sums to 1.
        label: index of the shown label; not always the most probable one.
        since_ns: when it became this label.
        previous: index of the label before, when it has just changed; -1 for a new face; else None.
        previous_s: how long that had lasted, seconds.
    """

    probabilities: Floats
    label: int
    since_ns: int
    previous: int | None = None
    previous_s: float = 0.0


class LabelSmoother:
    """One exponential average for each track.

    Args:
        memory_s: time constant, seconds; a true change shows after about as long. 0 averages nothing.
        lead: by which another label must exceed the present one, 0-1.
    """

    def __init__(self, memory_s: float = MEMORY_S, lead: float = LEAD) -> None:
        self._memory_s, self._lead = memory_s, lead
        self._states: dict[int, _State] = {}

    def update(self, track_id: int, probabilities: Floats, captured_ns: int) -> Smoothed:
        """Take what the model says of a face, float32[labels], at a time."""
        state = self._states.get(track_id)
        if state is None:
            state = _State(probabilities.copy(), int(probabilities.argmax()), captured_ns, captured_ns)
            self._states[track_id] = state
            return Smoothed(state.probabilities, state.label, state.since_ns, previous=-1)
        seconds = max(0.0, (captured_ns - state.seen_ns) / 1e9)
        share = 1 - math.exp(-seconds / self._memory_s) if self._memory_s > 0 else 1.0
        state.probabilities = state.probabilities + np.float32(share) * (probabilities - state.probabilities)
        state.seen_ns = captured_ns
        best = int(state.probabilities.argmax())
        if best == state.label or state.probabilities[best] - state.probabilities[state.label] < self._lead:
            return Smoothed(state.probabilities, state.label, state.since_ns)
        previous, lasted_s = state.label, (captured_ns - state.since_ns) / 1e9
        state.label, state.since_ns = best, captured_ns
        return Smoothed(state.probabilities, best, captured_ns, previous, lasted_s)

    def forget(self, now_ns: int) -> list[tuple[int, int, float]]:
        """Drop the faces that are gone; returns the track, its last label and how long that lasted, seconds."""
        gone = [i for i, state in self._states.items() if now_ns - state.seen_ns > FORGET_S * 1e9]
        states = {i: self._states.pop(i) for i in gone}
        return [(i, s.label, (s.seen_ns - s.since_ns) / 1e9) for i, s in states.items()]
