"""Capture, detect, classify and publish, each in a thread of its own, so that they overlap.

Between two stages there is room for one thing. Of a camera the newest frame wins: a slow stage skips frames, it never
falls behind. Of a recording every frame counts: a fast stage waits.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from fer_edge.runtime.classify import FaceClassifier, TrackedFrame
from fer_edge.runtime.compare import ModelFigures
from fer_edge.runtime.faces import FaceDetector
from fer_edge.runtime.faces.tracking import FaceTracker
from fer_edge.runtime.message import Message
from fer_edge.runtime.sinks.base import Published, Sink, SinkRunner
from fer_edge.runtime.slot import Slot
from fer_edge.runtime.sources.base import BadFrameError, Frame, FrameSource, SourceLostError
from fer_edge.runtime.stage_times import StageFigures, StageTimes

STALLED_S = 10.0  # a source that gives nothing for longer is lost
JOIN_S = 1.6  # SIGTERM must end within two seconds
STAGES_S = 0.6  # of these, for a camera or a model that is under way; the rest is for the sinks
MAX_BAD_FRAMES = 100  # one after the other: that is no bad frame any more


@dataclass(frozen=True)
class PipelineSettings:
    """How a pipeline runs.

    Attributes:
        detect_every: look for faces in each n-th frame; between, they are expected at constant speed.
        max_frames: end after so many messages; None for no end.
        duration_s: end after so long; None for no end.
        no_frames: pixels never reach a sink.
    """

    detect_every: int = 1
    max_frames: int | None = None
    duration_s: float | None = None
    no_frames: bool = False


@dataclass(frozen=True)
class RunSummary:
    """What came of a run.

    Attributes:
        frames: messages published.
        seconds: from the first frame to the end.
        bad_frames: frames that could not be used.
        dropped: frames that a newer one replaced on the way.
        missed: messages that a kind of sink was too slow for.
        stages: how long each took.
    """

    frames: int
    seconds: float
    bad_frames: int
    dropped: int
    missed: dict[str, int]
    stages: dict[str, StageFigures]


class Pipeline:
    """Runs until the source ends, a limit is reached or `stop` is called.

    Args:
        source: opened by the caller.
        detector: used in one thread only.
        classifier: used in one thread only.
        sinks: each gets a thread of its own; a slow one loses messages and slows nothing.
        settings: see there.
        models: figures of compared models, for the sinks that show them.
        say: is told when a sink fails while others go on.
    """

    def __init__(
        self,
        source: FrameSource,
        detector: FaceDetector,
        classifier: FaceClassifier,
        sinks: Sequence[Sink],
        settings: PipelineSettings = PipelineSettings(),
        models: Callable[[], Sequence[ModelFigures]] = tuple,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._source, self._detector, self._classifier = source, detector, classifier
        self._settings, self._models, self._say = settings, models, say
        lossless = not source.live
        self._captured: Slot[Frame] = Slot(lossless)
        self._tracked: Slot[TrackedFrame] = Slot(lossless)
        self._runners = [SinkRunner(sink, lossless) for sink in sinks]
        self._times = StageTimes()
        self._ended = threading.Event()
        self._stopping = False
        self._threads: list[threading.Thread] = []
        self._finished_at: float | None = None
        self._failure: BaseException | None = None
        self._messages = self._bad_frames = 0
        self._told: set[SinkRunner] = set()
        self._started = self._last_frame = time.monotonic()

    @property
    def is_busy(self) -> bool:
        """Whether a stage is still under way after `run`, so that its model must be left alone."""
        return any(thread.is_alive() for thread in self._threads)

    def stop(self) -> None:
        """End soon; may be called from a signal handler, where taking a lock could wait for ever, or another thread."""
        self._stopping = True

    def run(self) -> RunSummary:
        """Run to the end.

        Raises:
            FerEdgeError: the source was lost, or a stage failed.
            OSError: a sink could not write; the others went on, unless none was left.
        """
        self._started = self._last_frame = time.monotonic()
        stages = (self._capture, self._detect, self._classify)
        self._threads = [
            threading.Thread(target=self._guarded, args=(s,), name=s.__name__, daemon=True) for s in stages
        ]
        for thread in self._threads:
            thread.start()
        try:
            while not self._stopping and not self._ended.wait(0.1):
                self._check()
        finally:
            self._finished_at = time.monotonic()
            self._ended.set()
            for slot in (self._captured, self._tracked):
                slot.close()
            for thread in self._threads:
                thread.join(max(0.0, self._finished_at + STAGES_S - time.monotonic()))
            for runner in self._runners:
                runner.end()
            for runner in self._runners:
                runner.join(max(0.1, self._finished_at + JOIN_S - time.monotonic()))
        failures = [runner.failure for runner in self._runners if runner.failure is not None]
        for failure in (self._failure, *failures):
            if failure is not None:
                raise failure
        return self.summary()

    def summary(self) -> RunSummary:
        """What is known so far, or in the end."""
        seconds = (self._finished_at or time.monotonic()) - self._started
        dropped = self._captured.dropped + self._tracked.dropped
        missed: Counter[str] = Counter()
        for runner in self._runners:
            missed[runner.name] += runner.missed
        return RunSummary(self._messages, seconds, self._bad_frames, dropped, dict(+missed), self._times.figures())

    def _guarded(self, stage: Callable[[], None]) -> None:
        try:
            stage()
        except BaseException as error:
            self._failure = self._failure or error
            self._ended.set()

    def _check(self) -> None:
        now = time.monotonic()
        limit = self._settings.duration_s
        is_over = limit is not None and now - self._started >= limit
        delivering = [runner for runner in self._runners if runner.delivers]
        nobody_listens = bool(delivering) and all(runner.failure is not None for runner in delivering)
        for runner in self._runners:
            if runner.failure is not None and runner not in self._told:
                self._told.add(runner)
                self._say(f"{runner.name} ended: {runner.failure}")
        if is_over or nobody_listens:
            self._ended.set()
        elif self._source.live and now - self._last_frame > STALLED_S:
            self._failure = SourceLostError(
                f"{self._source.name} gave no frame for {STALLED_S:.0f} s", "Check the camera and its cable"
            )
            self._ended.set()

    def _capture(self) -> None:
        bad_in_a_row = 0
        last_bad: BadFrameError | None = None
        while not self._ended.is_set():
            try:
                with self._times.timed("capture"):
                    frame = self._source.read()
            except BadFrameError as error:
                self._bad_frames, last_bad = self._bad_frames + 1, error
                bad_in_a_row += 1
                if bad_in_a_row >= MAX_BAD_FRAMES:
                    message = f"{self._source.name} gave {bad_in_a_row} bad frames in a row, the last: {error.message}"
                    raise SourceLostError(message, error.remedy) from error
                continue
            self._last_frame = time.monotonic()
            if frame is None:
                break
            bad_in_a_row = 0
            self._captured.put(frame)
        if last_bad is not None and bad_in_a_row == self._bad_frames and not self._ended.is_set():
            raise last_bad  # a recording that ended without one frame
        self._captured.close()

    def _detect(self) -> None:
        tracker = FaceTracker()
        number = 0
        while (frame := self._captured.get()) is not None:
            with self._times.timed("detect"):
                if number % self._settings.detect_every == 0:
                    faces = tracker.update(self._detector.detect(frame.pixels), frame.captured_ns)
                else:
                    faces = tracker.predict(frame.captured_ns)
            number += 1
            self._tracked.put(TrackedFrame(frame, faces))
        self._tracked.close()

    def _classify(self) -> None:
        while (tracked := self._tracked.get()) is not None:
            with self._times.timed("classify"):
                message = self._classifier.classify(tracked)
            self._publish(message, tracked.frame)
            if self._settings.max_frames is not None and self._messages >= self._settings.max_frames:
                break
        self._ended.set()

    def _publish(self, message: Message, frame: Frame) -> None:
        pixels = None if self._settings.no_frames else frame.pixels
        if self._source.live:
            self._times.add("age", time.monotonic_ns() - message.captured_ns)
        self._messages += 1
        for runner in self._runners:
            runner.put(Published(message, pixels, self.summary, self._models))
