"""The pipeline with fakes of known speed: throughput, freshness, ends, losses."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from fer_edge.contract import InputContract
from fer_edge.preprocess import Image
from fer_edge.runtime.backends.fake import FakeBackend
from fer_edge.runtime.classify import FaceClassifier
from fer_edge.runtime.faces.box import Detection, Framing
from fer_edge.runtime.faces.smoothing import LabelSmoother
from fer_edge.runtime.pipeline import Pipeline, PipelineSettings
from fer_edge.runtime.sinks.base import Published
from fer_edge.runtime.slot import Slot
from fer_edge.runtime.sources import open_source
from fer_edge.runtime.sources.base import BadFrameError, FrameSource, RawFrame, SourceLostError
from fer_edge.runtime.sources.colour import PixelFormat
from fer_edge.runtime.sources.pace import Pace
from fer_edge.runtime.uri import Uri
from tests.support.measured import undisturbed

CONTRACT = InputContract(height=16, width=16, colour="rgb", labels=("a", "b", "c"))


class FakeCamera(FrameSource):
    """Grey frames at a speed; each third of `bad` is damaged, and after `lost` frames the camera is gone."""

    def __init__(self, fps: float, bad: bool = False, lost: int | None = None) -> None:
        super().__init__(Uri("fake://", "fake", "", {}))
        self._pace, self._bad, self._lost, self._number = Pace(fps), bad, lost, 0

    def _open(self) -> None: ...

    def _read(self) -> RawFrame:
        due_ns = self._pace.wait()
        self._number += 1
        if self._lost is not None and self._number > self._lost:
            raise SourceLostError("unplugged")
        if self._bad and self._number % 3 == 0:
            raise BadFrameError("damaged")
        return RawFrame(np.full((48, 64, 3), 99, np.uint8), PixelFormat.RGB, due_ns)

    def _close(self) -> None: ...


class FakeDetector:
    """One face in the middle, after a while."""

    framing = Framing(0.0, 0.0, 1.0)

    def __init__(self, seconds: float, work: Callable[[float], None] = time.sleep) -> None:
        self._seconds, self._work = seconds, work

    def detect(self, frame: Image) -> list[Detection]:
        self._work(self._seconds)
        return [Detection((16.0, 8.0, 32.0, 32.0), 1.0)]


class Recorder:
    """Keeps the messages, and when they came."""

    needs_frames = False
    shows_frames = False
    delivers = True
    writes_a_file = True
    leaves = "nothing"

    def __init__(self, seconds: float = 0.0) -> None:
        self.published: list[tuple[Published, int]] = []
        self._seconds = seconds

    def open(self) -> None: ...

    def write(self, published: Published) -> None:
        self.published.append((published, time.monotonic_ns()))
        time.sleep(self._seconds)

    def close(self) -> None: ...


def pipeline(
    camera: FrameSource, detect_s: float, classify_s: float, sinks: list[Recorder], settings: PipelineSettings
) -> Pipeline:
    classifier = FaceClassifier(FakeBackend(CONTRACT, classify_s), LabelSmoother())
    return Pipeline(camera, FakeDetector(detect_s), classifier, sinks, settings)


@pytest.mark.parametrize(
    ("fps", "detect_ms", "classify_ms"), [(60, 2, 4), (60, 25, 5), (60, 5, 30), (200, 20, 20), (15, 5, 5)]
)
def test_throughput_and_freshness(fps: float, detect_ms: float, classify_ms: float) -> None:
    undisturbed(lambda: check_throughput_and_freshness(fps, detect_ms, classify_ms, time.sleep))


def check_throughput_and_freshness(
    fps: float, detect_ms: float, classify_ms: float, work: Callable[[float], None]
) -> None:
    """As fast as the slowest stage, and no frame waits for longer than the hand-overs take."""
    recorder = Recorder()
    backend = FakeBackend(CONTRACT, classify_ms / 1e3, work)
    with FakeCamera(fps) as camera:
        settings = PipelineSettings(duration_s=3)
        classifier = FaceClassifier(backend, LabelSmoother())
        summary = Pipeline(camera, FakeDetector(detect_ms / 1e3, work), classifier, [recorder], settings).run()
    slowest_ms = max(
        summary.stages[name].p50_ms or 0.0 for name in ("detect", "classify")
    )  # sleeps last longer than told
    times_ns = [at for _, at in recorder.published[5:]]
    rate = (len(times_ns) - 1) / (times_ns[-1] - times_ns[0]) * 1e9
    assert rate >= 0.95 * min(fps, 1000 / slowest_ms)
    ages_ms = [(at - p.message.captured_ns) / 1e6 for p, at in recorder.published[5:]]
    period_ms = 1000 / fps
    slack_ms = 10  # of two cores that other tests share
    bound = detect_ms + classify_ms + period_ms + max(detect_ms, period_ms) + slack_ms
    assert np.percentile(ages_ms, 95) <= bound


def test_a_slow_sink_slows_nothing_and_misses_messages() -> None:
    slow, quick = Recorder(0.2), Recorder()
    with FakeCamera(60) as camera:
        summary = pipeline(camera, 0.002, 0.002, [slow, quick], PipelineSettings(max_frames=100)).run()
    assert summary.frames == 100
    assert len(quick.published) >= 95
    assert len(slow.published) < 15


def test_every_frame_of_a_recording_counts() -> None:
    recorder = Recorder(0.002)
    with open_source("synthetic://?size=64x48&frames=60&fps=0") as source:
        summary = pipeline(source, 0.0, 0.003, [recorder], PipelineSettings()).run()
    assert [p.message.seq for p, _ in recorder.published] == list(range(60))
    assert summary.dropped == 0


def test_bad_frames_are_counted_and_the_rest_goes_on() -> None:
    with FakeCamera(200, bad=True) as camera:
        summary = pipeline(camera, 0, 0, [Recorder()], PipelineSettings(max_frames=40)).run()
    assert summary.bad_frames >= 15


def test_a_lost_camera_ends_the_run_and_says_so() -> None:
    recorder = Recorder()
    with FakeCamera(200, lost=20) as camera, pytest.raises(SourceLostError, match="unplugged"):
        pipeline(camera, 0, 0, [recorder], PipelineSettings()).run()
    assert recorder.published


def test_stop_ends_soon_and_leaves_no_thread() -> None:
    before = threading.active_count()
    with FakeCamera(60) as camera:
        running = pipeline(camera, 0.01, 0.01, [Recorder()], PipelineSettings())
        threading.Timer(0.5, running.stop).start()
        started = time.monotonic()
        running.run()
    assert time.monotonic() - started < 2
    time.sleep(0.1)
    assert threading.active_count() <= before


def test_a_sink_that_fails_does_not_end_the_others() -> None:
    class Full(Recorder):
        def write(self, published: Published) -> None:
            raise OSError(28, "No space left on device")

    recorder = Recorder()
    with FakeCamera(200) as camera, pytest.raises(OSError, match="No space left"):
        pipeline(camera, 0, 0, [Full(), recorder], PipelineSettings(max_frames=30)).run()
    assert len(recorder.published) >= 25
    with FakeCamera(200) as camera, pytest.raises(OSError, match="No space left"):
        pipeline(camera, 0, 0, [Full()], PipelineSettings()).run()  # nothing is left to run for


def test_without_frames_no_pixel_reaches_a_sink() -> None:
    recorder = Recorder()
    with FakeCamera(200) as camera:
        pipeline(camera, 0, 0, [recorder], PipelineSettings(max_frames=5, no_frames=True)).run()
    assert all(p.pixels is None for p, _ in recorder.published)


def test_a_slot_keeps_the_newest_or_waits() -> None:
    newest: Slot[int] = Slot(lossless=False)
    for i in range(5):
        newest.put(i)
    assert (newest.get(), newest.dropped) == (4, 4)
    waiting: Slot[int] = Slot(lossless=True)
    threading.Thread(target=lambda: [waiting.put(i) for i in range(5)] + [waiting.close()], daemon=True).start()  # type: ignore[func-returns-value]
    taken = []
    while (item := waiting.get()) is not None:
        taken.append(item)
    assert taken == list(range(5))


def test_run_command_on_a_drawn_camera(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    import json

    from fer_edge.cli import execute

    lines = tmp_path / "faces.jsonl"
    source = "synthetic://?frames=20&fps=0&size=320x240"
    call = ["run", "--source", source, "--detector", "whole", "--sink", f"jsonl:{lines}", "--json"]
    assert execute(call) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["frames"] == 20
    assert f"leaves this process: labels, boxes and probabilities into {lines}" in captured.err
    messages = [json.loads(line) for line in lines.read_text().splitlines()]
    assert [m["seq"] for m in messages] == list(range(20))
    assert messages[0]["events"][0]["kind"] == "appeared"
    assert sum(messages[0]["faces"][0]["probabilities"].values()) == pytest.approx(1, abs=1e-4)
