from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from benchmarks import latency
from benchmarks.latency import measure, speedup
from fer_edge.data.folder import LabelledImages, open_images
from fer_edge.device_state import DeviceState, Throttling, device_state, foreign_load, parse_get_throttled, throttled
from fer_edge.evaluation.results import LatencyResult
from fer_edge.runtime.backends.fake import FakeBackend
from tests.support.comparison import ColourBackend, write_pictures
from tests.support.tiny_models import CONTRACT


@pytest.fixture
def images(tmp_path: Path) -> LabelledImages:
    return open_images(write_pictures(tmp_path / "data", 9), prefer="test")


def test_a_known_time_is_measured(images: LabelledImages) -> None:
    models = {"slow": ColourBackend(seconds=0.010), "fast": ColourBackend(seconds=0.002)}
    run = measure(models, images, ["slow"], seconds=0.6)
    slow, fast = run.results["slow"], run.results["fast"]
    assert slow.percentile_ms(50) == pytest.approx(10.3, abs=1.0)
    assert fast.percentile_ms(50) == pytest.approx(2.3, abs=0.8)
    assert len(slow.blocks_ns) == latency.ROUNDS
    assert slow.samples_ns.sum() >= 0.5e9
    ratio = speedup(slow, fast, "slow")
    assert ratio.ci95.low <= ratio.value <= ratio.ci95.high
    assert 3.0 < ratio.value < 5.5


def test_the_harness_costs_little(images: LabelledImages) -> None:
    run = measure({"nothing": FakeBackend(CONTRACT)}, images, ["nothing"], seconds=0.2)
    assert (run.results["nothing"].percentile_ms(50) or 0) < 0.3


def test_models_take_turns_in_a_changing_order(images: LabelledImages, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []

    class Named(FakeBackend):
        def __init__(self, name: str) -> None:
            super().__init__(CONTRACT)
            self.name = name

    def block(backend: Named, *_: object) -> np.ndarray:
        order.append(backend.name)
        return np.array([1, 1])

    monkeypatch.setattr(latency, "_block", block)
    measure({n: Named(n) for n in "abc"}, images, ["a"], seconds=1)
    rounds = ["".join(order[i : i + 3]) for i in range(3, len(order), 3)]
    assert all(sorted(r) == ["a", "b", "c"] for r in rounds)
    assert len(set(rounds)) > 1


def test_an_unsteady_machine_makes_the_run_invalid() -> None:
    blocks = tuple(np.full(20, v, np.int64) for v in (1_000_000, 1_000_000, 1_120_000))
    assert LatencyResult(blocks).drift == pytest.approx(0.12)
    (problem,) = latency._problems({"base": 0.12}, False, 0.05)
    assert "base" in problem
    assert "12%" in problem
    assert "--min-seconds" in problem
    assert latency._problems({"base": 0.10}, False, 0.20) == ()
    assert latency._problems({}, False, None) == ()


def test_throttling_and_foreign_load_make_the_run_invalid() -> None:
    cool, busy = latency._problems({"base": 0.0}, True, 0.5)
    assert "throttled" in cool
    assert "50%" in busy
    assert "top" in busy


def state(busy_s: float | None = None, throttling: Throttling | None = None) -> DeviceState:
    return DeviceState(None, None, None, throttling, None, busy_s)


def test_foreign_load_is_what_this_process_did_not_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    assert foreign_load(state(100.0), state(116.0), own_s=10.0, elapsed_s=10.0) == pytest.approx(0.3)
    assert foreign_load(state(100.0), state(109.9), own_s=10.0, elapsed_s=10.0) == 0.0
    assert foreign_load(state(), state(), own_s=1.0, elapsed_s=1.0) is None


def test_throttling_is_now_or_new() -> None:
    old = Throttling(active=False, events=3)
    assert not throttled([state(throttling=old), state(throttling=old)])
    assert throttled([state(throttling=old), state(throttling=Throttling(False, 4))])
    assert throttled([state(throttling=old), state(throttling=Throttling(True, 3)), state(throttling=old)])
    assert not throttled([state(), state()])


def test_raspberry_pi_bits() -> None:
    assert parse_get_throttled("throttled=0x0\n") == Throttling(False, 0)
    assert parse_get_throttled("throttled=0x50000\n") == Throttling(False, 2, under_voltage=True)
    assert parse_get_throttled("throttled=0x50005\n") == Throttling(True, 2, under_voltage=True)


def test_state_is_read_from_the_system(tmp_path: Path) -> None:
    def write(name: str, text: str) -> None:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    cpus = "sys/devices/system/cpu"
    write(f"{cpus}/cpu0/cpufreq/scaling_governor", "ondemand\n")
    write(f"{cpus}/cpu0/cpufreq/scaling_cur_freq", "1500000\n")
    write(f"{cpus}/cpu1/cpufreq/scaling_cur_freq", "1700000\n")
    write(f"{cpus}/cpu0/thermal_throttle/core_throttle_count", "7\n")
    write("sys/class/thermal/thermal_zone0/temp", "51200\n")
    write("sys/class/thermal/thermal_zone1/temp", "48000\n")
    write("proc/loadavg", "0.52 0.40 0.3 1/100 999\n")
    write("proc/stat", "cpu  1000 100 400 90000 50 0 10 90 0 0\ncpu0 1 1 1 1 1 1 1 1 0 0\n")
    found = device_state(tmp_path)
    assert found.governor == "ondemand"
    assert found.frequency_mhz == pytest.approx(1600)
    assert found.temperature_c == pytest.approx(51.2)
    assert found.throttling == Throttling(False, 7)
    assert found.load_1min == 0.52
    assert found.busy_s == pytest.approx(16.0)


def test_a_silent_system_is_unknown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda _: None)
    assert device_state(tmp_path) == DeviceState(None, None, None, None, None, None)
