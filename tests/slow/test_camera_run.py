"""The whole `fer-edge run`: steady labels on a real face, memory that stays, a quick start."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect
from websockets.typing import Origin

from fer_edge.cli import execute
from fer_edge.models import DEFAULT_MODEL
from fer_edge.preprocess import Image
from fer_edge.runtime.backends.base import Probabilities
from fer_edge.runtime.classify import FaceClassifier
from fer_edge.runtime.faces import open_detector
from fer_edge.runtime.faces.smoothing import LabelSmoother
from fer_edge.runtime.load import load
from fer_edge.runtime.pipeline import Pipeline, PipelineSettings
from fer_edge.runtime.sources.base import RawFrame
from fer_edge.runtime.sources.file import FileSource
from fer_edge.runtime.uri import Uri
from tests.integration.test_pipeline import Recorder
from tests.support.fetched import blazeface, clip
from tests.support.measured import SCRIPT

pytestmark = pytest.mark.slow

FRAMES = 1200  # ten times the clip, 40 s
MAX_GROWTH_MB, MAX_RESIDENT_MB, MAX_FIRST_RESULT_S = 5.0, 200, 2.0


class NoisyClip(FileSource):
    """The clip again and again, with noise on every pixel."""

    def __init__(self, path: Path, sigma: float) -> None:
        super().__init__(Uri("noisy", "file", str(path), {"loop": "1"}))
        self._sigma, self._random = sigma, np.random.default_rng(0)

    def _read(self) -> RawFrame | None:
        raw = super()._read()
        assert raw is not None
        noise = self._random.normal(0, self._sigma, raw.pixels.shape)
        return RawFrame(np.clip(raw.pixels + noise, 0, 255).astype(np.uint8), raw.format, raw.captured_ns)


def changes(labels: Sequence[tuple[int, str]]) -> int:
    """How often the label of one and the same face changes, given (track, label) in order."""
    last: dict[int, str] = {}
    count = 0
    for track, label in labels:
        count += last.get(track, label) != label
        last[track] = label
    return count


def flicker(sigma: float) -> tuple[int, int]:
    """Changes of the raw labels, and of those that were published, on `FRAMES` noisy frames."""
    raw: list[tuple[int, str]] = []
    recorder = Recorder()
    with load(DEFAULT_MODEL) as backend, NoisyClip(clip(), sigma) as source:

        def observe(_crops: Sequence[Image], tracks: Sequence[int], rows: Probabilities, _at: int, _took: int) -> None:
            labels = [backend.contract.labels[i] for i in rows.argmax(axis=1)]
            raw.extend(zip(tracks, labels, strict=True))

        classifier = FaceClassifier(backend, LabelSmoother(), observe)
        settings = PipelineSettings(max_frames=FRAMES)
        Pipeline(source, open_detector("blazeface"), classifier, [recorder], settings).run()
    shown = [(face.track_id, face.label) for p, _ in recorder.published for face in p.message.faces]
    return changes(raw), changes(shown)


MISSED = pytest.mark.xfail(strict=True, reason="3.6 times fewer with the 96 px DenseNet121: see docs/faces.md")


@pytest.mark.parametrize("sigma", [pytest.param(0, marks=MISSED), 10, 20])  # of 255
def test_labels_change_five_times_less_often_than_the_model_s_own(sigma: float) -> None:
    blazeface()
    raw, shown = flicker(sigma)
    print(f"noise {sigma}: {raw} changes raw, {shown} shown")
    assert raw >= 20
    assert raw >= 5 * shown


def resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def test_memory_stays_and_nothing_is_left_over(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lines = tmp_path / "faces.jsonl"
    source = "synthetic://?frames=20000&fps=0&size=320x240"
    call = ["run", "--source", source, "--detector", "whole", "--sink", "console:", "--sink", f"jsonl:{lines}"]
    port = 18_089
    address = f"http://127.0.0.1:{port}"
    call += ["--sink", f"web://127.0.0.1:{port}"]
    ended = threading.Event()
    samples: list[float] = []

    def watch() -> None:
        while not ended.wait(1):
            samples.append(resident_mb())

    def look() -> None:
        while not ended.is_set():
            try:
                with httpx.stream("GET", f"{address}/stream.mjpg") as answer:
                    for _ in answer.iter_raw():
                        if ended.is_set():
                            return
            except httpx.HTTPError:
                time.sleep(0.2)

    def follow() -> None:
        while not ended.is_set():
            try:
                with connect(f"ws://127.0.0.1:{port}/messages", origin=Origin(address)) as socket:
                    for _ in socket:
                        if ended.is_set():
                            return
            except (OSError, ConnectionClosed):
                time.sleep(0.2)

    assert execute([*call[:2], "synthetic://?frames=50&fps=0&size=320x240", *call[3:]]) == 0  # everything is loaded
    lines.unlink()
    threads, files = set(threading.enumerate()), len(list(Path("/proc/self/fd").iterdir()))
    others = [threading.Thread(target=job, daemon=True) for job in (watch, look, follow)]
    for thread in others:
        thread.start()
    try:
        assert execute(call) == 0
    finally:
        ended.set()
    for thread in others:
        thread.join(5)
    time.sleep(0.5)
    assert len(lines.read_text().splitlines()) == 20_000
    warm = samples[len(samples) // 5 :]
    part = max(len(warm) // 5, 1)
    growth = statistics.median(warm[-part:]) - statistics.median(warm[:part])
    print(f"{len(samples)} s; {statistics.median(warm):.0f} MB, growth after warm-up {growth:+.2f} MB")
    assert growth < MAX_GROWTH_MB
    assert set(threading.enumerate()) - threads == set()
    assert len(list(Path("/proc/self/fd").iterdir())) <= files


def test_the_first_result_comes_soon_and_the_process_is_small() -> None:
    blazeface()
    command = [sys.executable, "-c", SCRIPT, "run", DEFAULT_MODEL, "--source", f"file:{clip()}?loop=1"]
    command += ["--detector", "blazeface", "--sink", "console:", "--max-frames", "600"]
    firsts, peaks = [], []
    for _ in range(5):
        started = time.monotonic()
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            for line in process.stderr:
                if "appeared" in line:
                    firsts.append(time.monotonic() - started)
                    break
            rest = process.stderr.read()
        assert process.returncode == 0, rest
        peaks.append(int(rest.strip().splitlines()[-1]) * 1024 / 1e6)
    print(f"first result after {statistics.median(firsts):.2f} s, peak {statistics.median(peaks):.0f} MB")
    assert statistics.median(firsts) <= MAX_FIRST_RESULT_S
    assert statistics.median(peaks) <= MAX_RESIDENT_MB
