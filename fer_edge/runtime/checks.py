"""What `fer-edge doctor` checks beside packages: the model, the face detector, cameras and the board's state."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import warnings
from pathlib import Path

from fer_edge.device_state import DeviceState, device_state
from fer_edge.doctor import Check, Status
from fer_edge.errors import FerEdgeError
from fer_edge.model_files import cached
from fer_edge.models import DEFAULT_MODEL
from fer_edge.runtime.load import load
from fer_edge.runtime.sources import open_source
from fer_edge.runtime.sources.discover import JETSON, candidates

HOT_C = 80.0  # a Raspberry Pi slows down from here
JETSON_ELEMENTS = ("nvarguscamerasrc", "nvvidconv")
OWN_GOVERNORS = ("intel_pstate", "amd-pstate", "amd-pstate-epp")  # whose "powersave" is not slow
PROBE_SECONDS = 30


def examine_device(root: Path = Path("/")) -> list[Check]:
    """Run every check; opens each camera for one frame. `root` replaces / in tests."""
    checks = [_model(), _detector(), *_cameras(), _gstreamer()]
    state = device_state(root)
    return [*checks, _governor(root, state), _throttling(state)]


def _model() -> Check:
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with load(DEFAULT_MODEL) as backend:
                made_by = f"{DEFAULT_MODEL} on {backend.runtime}, executed as {backend.executed_precision}"
    except FerEdgeError as error:
        return Check("model", Status.FAIL, error.message, error.remedy)
    if caught:
        return Check("model", Status.WARN, f"{made_by}: {caught[0].message}", f"fer-edge inspect {DEFAULT_MODEL}")
    return Check("model", Status.OK, f"{made_by}; its golden sample gives what it gave when it was made")


def _detector() -> Check:
    if cached("blazeface") is not None:
        return Check("face detector", Status.OK, "BlazeFace")
    return Check("face detector", Status.WARN, "only the slower Haar cascade is here", "fer-edge models fetch")


def _cameras() -> list[Check]:
    """One row for each camera that gives a frame; else one that says what was tried."""
    found, tried = [], []
    for uri in candidates():
        try:
            with open_source(uri) as source:
                frame = source.read()
        except FerEdgeError as error:
            tried.append((uri, error))
            continue
        if frame is not None:
            rows, columns = frame.pixels.shape[:2]
            found.append(Check("camera", Status.OK, f"{uri} gives {columns}x{rows}"))
    if found:
        return found
    reasons = "; ".join(f"{uri}: {error.message}" for uri, error in tried)
    devices = [uri.removeprefix("v4l2://") for uri, _ in tried if uri.startswith("v4l2")]
    forbidden = any(Path(device).exists() and not os.access(device, os.R_OK | os.W_OK) for device in devices)
    remedy = "sudo usermod -aG video $USER  (then log in again)" if forbidden else _connect()
    return [Check("camera", Status.WARN, f"none gives a frame ({reasons})", remedy)]


def _connect() -> str:
    listing = "rpicam-hello --list-cameras" if shutil.which("rpicam-hello") else "ls /dev/video*"
    return f"plug one in, and look for it with: {listing}"


def _gstreamer() -> Check:
    program = shutil.which("gst-inspect-1.0")
    if not JETSON.exists():
        found = "GStreamer is here" if program else "not installed"
        return Check("gstreamer", Status.OK, f"{found}; only csi:// and gst:// need it")
    if program is None:
        return Check("gstreamer", Status.FAIL, "not installed", "sudo apt install gstreamer1.0-tools")
    missing = [name for name in JETSON_ELEMENTS if not _knows(program, name)]
    if missing:
        remedy = "sudo apt install nvidia-l4t-gstreamer nvidia-l4t-camera"
        return Check("gstreamer", Status.FAIL, f"{', '.join(missing)} not found", remedy)
    if importlib.util.find_spec("gi") is None:
        message = "python3-gi is not seen from this environment, so pictures come through a slower pipe"
        return Check(
            "gstreamer",
            Status.WARN,
            message,
            "sudo apt install python3-gi gir1.2-gst-plugins-base-1.0, and see docs/jetson.md",
        )
    return Check("gstreamer", Status.OK, f"{', '.join(JETSON_ELEMENTS)}, python3-gi")


def _knows(program: str, element: str) -> bool:
    try:
        return subprocess.run([program, element], capture_output=True, timeout=PROBE_SECONDS).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def _governor(root: Path, state: DeviceState) -> Check:
    driver = root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"
    own = driver.is_file() and driver.read_text().strip() in OWN_GOVERNORS
    if state.governor == "powersave" and not own:
        remedy = "echo ondemand | sudo tee /sys/devices/system/cpu/cpu*/cpufreq/scaling_governor"
        return Check("governor", Status.WARN, "powersave keeps the processor at its lowest frequency", remedy)
    return Check("governor", Status.OK, state.governor or "this machine does not say")


def _throttling(state: DeviceState) -> Check:
    heat = "" if state.temperature_c is None else f", {state.temperature_c:.0f} degrees"
    if state.throttling is not None and state.throttling.under_voltage:
        remedy = "Give it the power supply made for it, restart, then: vcgencmd get_throttled"
        return Check("throttling", Status.WARN, f"the power supply was too weak since the start{heat}", remedy)
    if state.throttling is not None and state.throttling.active:
        return Check("throttling", Status.WARN, f"the processor is slowed down now{heat}", "Give it a fan")
    if state.temperature_c is not None and state.temperature_c >= HOT_C:
        return Check("throttling", Status.WARN, f"hot{heat}", "Give it a fan")
    return Check("throttling", Status.OK, ("none" if state.throttling else "this machine does not say") + heat)
