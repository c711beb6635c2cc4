"""The state of the machine that times depend on, read from /proc, /sys and vcgencmd where they are there."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

CPUS = "sys/devices/system/cpu"
RASPBERRY_PI_NOW = 0b0111  # vcgencmd get_throttled: under-voltage, frequency capped, throttled
RASPBERRY_PI_SINCE_BOOT = RASPBERRY_PI_NOW << 16
RASPBERRY_PI_UNDER_VOLTAGE = 1 | 1 << 16


@dataclass(frozen=True)
class Throttling:
    """What the machine says about slowing itself down.

    Attributes:
        active: now.
        events: a counter that grows with every event since boot; only its growth means anything.
        under_voltage: the power supply was too weak, now or since boot; False where the machine does not say.
    """

    active: bool
    events: int
    under_voltage: bool = False


@dataclass(frozen=True)
class DeviceState:
    """The machine at one moment; None where it does not say.

    Attributes:
        governor: of the first core ("performance", "ondemand", ...).
        frequency_mhz: mean over cores, now.
        temperature_c: the hottest zone.
        throttling: None where the machine does not report it.
        load_1min: run-queue length.
        busy_s: processor seconds that all processes spent since boot, all cores.
    """

    governor: str | None
    frequency_mhz: float | None
    temperature_c: float | None
    throttling: Throttling | None
    load_1min: float | None
    busy_s: float | None


def device_state(root: Path = Path("/")) -> DeviceState:
    """Read the state now; `root` replaces / in tests."""
    frequencies = _numbers(root.glob(f"{CPUS}/cpu[0-9]*/cpufreq/scaling_cur_freq"))
    temperatures = _numbers(root.glob("sys/class/thermal/thermal_zone*/temp"))
    load = _text(root / "proc/loadavg").split()
    return DeviceState(
        governor=_text(root / CPUS / "cpu0/cpufreq/scaling_governor") or None,
        frequency_mhz=sum(frequencies) / len(frequencies) / 1e3 if frequencies else None,
        temperature_c=max(temperatures) / 1e3 if temperatures else None,
        throttling=_throttling(root),
        load_1min=float(load[0]) if load else None,
        busy_s=_busy_s(_text(root / "proc/stat")),
    )


def throttled(states: Sequence[DeviceState]) -> bool:
    """Whether the machine slowed itself down in one of the states, or between the first and the last."""
    seen = [s.throttling for s in states if s.throttling is not None]
    return bool(seen) and (any(t.active for t in seen) or seen[-1].events > seen[0].events)


def foreign_load(before: DeviceState, after: DeviceState, own_s: float, elapsed_s: float) -> float | None:
    """Share of the machine's processor time that other processes took.

    Args:
        before: at the start.
        after: at the end.
        own_s: processor seconds of this process in between, all threads.
        elapsed_s: wall-clock seconds in between.

    Returns:
        0-1; None where the machine does not say.
    """
    if before.busy_s is None or after.busy_s is None or elapsed_s <= 0:
        return None
    share = (after.busy_s - before.busy_s - own_s) / (elapsed_s * (os.cpu_count() or 1))
    return min(max(share, 0.0), 1.0)


def _throttling(root: Path) -> Throttling | None:
    """x86 counts thermal events per core; a Raspberry Pi reports bits through vcgencmd."""
    counters = _numbers(root.glob(f"{CPUS}/cpu[0-9]*/thermal_throttle/*_throttle_count"))
    if counters:
        return Throttling(active=False, events=int(sum(counters)))
    program = shutil.which("vcgencmd")
    if program is None:
        return None
    try:
        answer = subprocess.run([program, "get_throttled"], capture_output=True, text=True, timeout=5, check=True)
        return parse_get_throttled(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def parse_get_throttled(answer: str) -> Throttling:
    """Parse "throttled=0x50005"; raises ValueError for anything else."""
    bits = int(answer.strip().removeprefix("throttled="), 16)
    events = bin(bits & RASPBERRY_PI_SINCE_BOOT).count("1")
    return Throttling(bool(bits & RASPBERRY_PI_NOW), events, under_voltage=bool(bits & RASPBERRY_PI_UNDER_VOLTAGE))


def _busy_s(stat: str) -> float | None:
    """Sum user, nice, system, irq, softirq and steal of the first line of /proc/stat; guest time is in user."""
    fields = stat.partition("\n")[0].split()
    if len(fields) < 9 or fields[0] != "cpu":
        return None
    user, nice, system, _idle, _iowait, irq, softirq, steal = (int(v) for v in fields[1:9])
    return (user + nice + system + irq + softirq + steal) / os.sysconf("SC_CLK_TCK")


def _numbers(paths: Iterable[Path]) -> list[float]:
    values = []
    for path in paths:
        try:
            values.append(float(_text(path)))
        except ValueError:
            continue
    return values


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
