"""What this machine can run, what is missing or broken, and the command that mends it."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import platform
import signal
import subprocess
import sys
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from fer_edge.system_info import has_int8_dot_product, system_info

DEBIAN_PACKAGES = Path("/usr/lib/python3/dist-packages")
PICAMERA2_REMEDY = "sudo apt install python3-picamera2, and make the environment with --system-site-packages"
TOP_LEVEL = ("convert", "benchmarks", "firmware_configs")
PROBE_SECONDS = 120.0


class Status(str, Enum):
    """How a check came out."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    """One row of the report.

    Attributes:
        name: what was checked.
        status: the outcome.
        message: what was found.
        remedy: the command that mends it; empty where nothing is to be mended.
    """

    name: str
    status: Status
    message: str
    remedy: str = ""


@dataclass(frozen=True)
class Package:
    """A package that is probed.

    Attributes:
        module: what is imported.
        distributions: names under which it is installed, the usual one first.
        purpose: what it is for.
        remedy: how to install it.
        inference: whether it executes converted models.
        probe: a statement that must not fail after the import.
        unneeded: says why this machine can do without it, or returns an empty string.
    """

    module: str
    distributions: tuple[str, ...]
    purpose: str
    remedy: str
    inference: bool = False
    unneeded: Callable[[], str] = lambda: ""
    probe: str = ""

    @property
    def name(self) -> str:
        """The importable top-level name."""
        return self.module.partition(".")[0]


def _no_camera_connector() -> str:
    return "" if "Raspberry Pi" in system_info().cpu else "only a Raspberry Pi camera needs it"


def _litert_is_there() -> str:
    return "ai_edge_litert is there" if installed_version(("ai-edge-litert",)) else ""


PACKAGES = (
    Package(
        "cv2",
        ("opencv-python-headless", "opencv-python", "opencv-contrib-python"),
        "pictures",
        "pip install --force-reinstall 'opencv-python-headless>=4.10,<5'",
    ),
    Package("ai_edge_litert.interpreter", ("ai-edge-litert",), "runs .tflite", "pip install ai-edge-litert", True),
    Package(
        "tflite_runtime.interpreter",
        ("tflite-runtime",),
        "runs .tflite where LiteRT has no wheel",
        "pip install 'fer-edge[tflite-runtime]' -c constraints-tflite-runtime.txt  (in an environment of its own)",
        True,
        _litert_is_there,
        "import numpy; assert numpy.__version__ < '2', f'it needs numpy 1, not {numpy.__version__}'",
    ),
    Package("onnxruntime", ("onnxruntime", "onnxruntime-gpu"), "runs .onnx", "pip install 'fer-edge[onnx]'", True),
    Package("openvino", ("openvino",), "runs OpenVINO .xml", "pip install 'fer-edge[openvino]'", True),
    Package("tensorflow", ("tensorflow", "tensorflow-cpu"), "trains, converts", "pip install 'fer-edge[convert]'"),
    Package("scipy.stats", ("scipy",), "verifies, evaluates", "pip install 'fer-edge[benchmark]'"),
    Package("matplotlib", ("matplotlib",), "benchmarks", "pip install 'fer-edge[benchmark]'"),
    Package("nncf", ("nncf",), "quantizes for OpenVINO", "pip install 'fer-edge[convert]'"),
    Package("picamera2", ("picamera2",), "Raspberry Pi camera", PICAMERA2_REMEDY, unneeded=_no_camera_connector),
)


def examine(packages: Iterable[Package] = PACKAGES) -> list[Check]:
    """Run every check; takes as long as the imports."""
    packages = tuple(packages)
    with ThreadPoolExecutor(max_workers=2) as pool:
        problems = list(pool.map(import_problem, (p.module for p in packages), (p.probe for p in packages)))
    works = [p.name for p, problem in zip(packages, problems, strict=True) if p.inference and not problem]
    described = [describe(p, problem) for p, problem in zip(packages, problems, strict=True)]
    return [_python(), _cpu(), *described, _inference(works), *_top_level()]


def can_infer(checks: Iterable[Check]) -> bool:
    """Whether one inference runtime at least works."""
    return all(check.status is not Status.FAIL for check in checks if check.name == "inference")


def import_problem(module: str, probe: str = "", timeout_s: float = PROBE_SECONDS) -> str:
    """Import `module` in a process of its own, so that a crash or a hang is an answer too; empty when it works."""
    command = [sys.executable, "-c", f"import {module}; {probe}"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=timeout_s)
    except subprocess.TimeoutExpired:
        return f"does not finish importing in {timeout_s:.0f} s"
    if done.returncode < 0:
        return f"crashes with {signal.Signals(-done.returncode).name} when it is imported"
    lines = done.stderr.strip().splitlines() or ["no message"]
    return f"does not import: {lines[-1]}" if done.returncode else ""


def describe(package: Package, problem: str) -> Check:
    """Say what `problem` (see `import_problem`) means for `package`."""
    version = installed_version(package.distributions)
    label = f"{package.name} {version}".strip()
    if not problem:
        return Check(package.name, Status.OK, f"{label} ({package.purpose})")
    if mended := _known_problem(package.name, problem):
        return Check(package.name, Status.FAIL, *mended)
    if version or f"No module named '{package.name}'" not in problem:
        return Check(package.name, Status.FAIL, f"{label} {problem}", package.remedy)
    if unneeded := package.unneeded():
        return Check(package.name, Status.OK, f"not installed; {unneeded}")
    return Check(package.name, Status.WARN, f"not installed ({package.purpose})", package.remedy)


def _known_problem(name: str, problem: str) -> tuple[str, str] | None:
    """What is wrong, and its remedy, where Debian's own packages meet pip's; None for every other problem."""
    if "numpy.dtype size changed" in problem or ("numpy.core.multiarray" in problem and "failed to import" in problem):
        return (
            f"{name} was compiled for numpy 1, and numpy {installed_version(('numpy',))} is installed",
            "pip install 'numpy<2' 'opencv-python-headless<4.12'",
        )
    if name == "picamera2" and f"No module named '{name}'" in problem and (DEBIAN_PACKAGES / name).is_dir():
        return (
            f"picamera2 is installed by apt, and the environment {sys.prefix} does not see it",
            f"python3 -m venv --system-site-packages {sys.prefix}  (the same command mends an environment that exists)",
        )
    return None


def installed_version(distributions: Iterable[str]) -> str:
    """Version of the first of `distributions` that is installed; empty where none is."""
    for name in distributions:
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return ""


def _python() -> Check:
    here = f"{platform.python_version()} in {sys.prefix}"
    if (3, 10) <= sys.version_info[:2] <= (3, 13):
        return Check("python", Status.OK, here)
    return Check(
        "python", Status.FAIL, f"{here}: 3.10 to 3.13 is supported", "make clean && make PYTHON=python3.11 test"
    )


def _cpu() -> Check:
    info = system_info()
    text = (
        f"{info.cpu}, {info.cores} cores, {info.memory_mb} MB, {' '.join(info.features) or 'no known vector extension'}"
    )
    if has_int8_dot_product():
        return Check("cpu", Status.OK, text)
    return Check(
        "cpu",
        Status.WARN,
        f"{text}: no int8 dot product, so int8 may be no faster than float",
        "fer-edge benchmark ARTIFACT... --baseline MODEL --data DATA --out DIR  (measures it)",
    )


def _inference(works: list[str]) -> Check:
    if works:
        return Check("inference", Status.OK, f"converted models run on {', '.join(works)}")
    return Check("inference", Status.FAIL, "no inference runtime works", "pip install ai-edge-litert")


def _top_level() -> list[Check]:
    """Look for another `convert`, `benchmarks` or `firmware_configs` that shadows ours, installed or in the folder."""
    owners = importlib.metadata.packages_distributions()
    return [_owner(name, owners.get(name, ())) for name in TOP_LEVEL]


def _owner(name: str, distributions: Iterable[str]) -> Check:
    others = sorted({d for d in distributions if d != "fer-edge"})
    if others:
        return Check(
            name, Status.WARN, f"{', '.join(others)} ships the same package", f"pip uninstall {' '.join(others)}"
        )
    spec = importlib.util.find_spec(name)
    ours = Path(__file__).resolve().parent.parent / name
    found = [Path(p).resolve() for p in (spec.submodule_search_locations or ())] if spec else []
    if ours in found[:1]:
        return Check(name, Status.OK, "ours")
    where = str(found[0]) if found else "nowhere"
    return Check(name, Status.FAIL, f"Python finds {name} in {where}, not in {ours}", "cd ~  (or rename the other)")
