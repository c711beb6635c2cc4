"""What machine this is."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CPU_FLAGS = {
    "avx2": "avx2",
    "avx512f": "avx512",
    "avx512_vnni": "vnni",
    "avx_vnni": "vnni",
    "avx512_bf16": "bf16",
    "amx_bf16": "bf16",
    "asimddp": "dotprod",
    "asimdhp": "fp16",
    "i8mm": "i8mm",
    "bf16": "bf16",
}


@dataclass(frozen=True)
class SystemInfo:
    """A machine.

    Attributes:
        cpu: model name.
        features: those of `CPU_FLAGS` that matter for inference, sorted.
        cores: usable by this process.
        memory_mb: installed.
        system: operating system and kernel.
        python: version.
    """

    cpu: str
    features: tuple[str, ...]
    cores: int
    memory_mb: int
    system: str
    python: str


@cache
def system_info() -> SystemInfo:
    """Read the machine's description from /proc; unknown values are empty or 0."""
    fields: dict[str, str] = {}
    for line in _read("/proc/cpuinfo").splitlines():
        key, _, value = line.partition(":")
        fields.setdefault(key.strip(), value.strip())
    flags = (fields.get("flags") or fields.get("Features") or "").split()
    model = _read("/proc/device-tree/model").rstrip("\0") or fields.get("model name") or platform.processor()
    memory = next((line.split()[1] for line in _read("/proc/meminfo").splitlines() if line.startswith("MemTotal")), "0")
    return SystemInfo(
        cpu=model or platform.machine(),
        features=tuple(sorted({CPU_FLAGS[f] for f in flags if f in CPU_FLAGS})),
        cores=len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        memory_mb=int(memory) // 1024,
        system=f"{platform.system()} {platform.release()} {platform.machine()}",
        python=platform.python_version(),
    )


def has_bfloat16() -> bool:
    """Whether the processor multiplies bfloat16 itself, so that mixed_bfloat16 is faster than float32."""
    return "bf16" in system_info().features


def has_int8_dot_product() -> bool:
    """Whether the processor has int8 dot-product instructions (VNNI on x86-64, dotprod on ARM)."""
    return bool({"vnni", "dotprod", "i8mm"} & set(system_info().features))


def _read(path: str) -> str:
    try:
        return Path(path).read_text(errors="replace")
    except OSError:
        return ""
