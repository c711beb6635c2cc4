"""What doctor says about the model, the detector, cameras and the board."""

from __future__ import annotations

from pathlib import Path

import pytest

from fer_edge import doctor
from fer_edge.doctor import Package, Status, describe
from fer_edge.models import DEFAULT_MODEL
from fer_edge.runtime import checks
from fer_edge.runtime.checks import examine_device

PICAMERA2 = Package("picamera2", ("picamera2",), "Raspberry Pi camera", doctor.PICAMERA2_REMEDY)


@pytest.fixture(autouse=True)
def one_camera(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "candidates", lambda: ["synthetic://?size=320x240&fps=0"])


def row(name: str, root: Path = Path("/nowhere")) -> doctor.Check:
    return next(check for check in examine_device(root) if check.name == name)


def stand_in(folder: Path, name: str, script: str) -> None:
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


def board(root: Path, governor: str, millidegrees: int, driver: str = "cpufreq-dt") -> Path:
    cpufreq = root / "sys/devices/system/cpu/cpu0/cpufreq"
    cpufreq.mkdir(parents=True)
    (cpufreq / "scaling_governor").write_text(governor)
    (cpufreq / "scaling_driver").write_text(driver)
    zone = root / "sys/class/thermal/thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "temp").write_text(str(millidegrees))
    return root


def test_the_model_replays_its_golden_sample(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert row("model").status is Status.OK
    assert "executed as int8" in row("model").message
    monkeypatch.setattr("fer_edge.models.ZOO", tmp_path)
    assert row("model").status is Status.FAIL
    assert DEFAULT_MODEL in row("model").message


def test_a_camera_that_gives_a_frame_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert row("camera").message.startswith("synthetic://")
    assert row("camera").message.endswith("gives 320x240")
    monkeypatch.setattr(checks, "candidates", lambda: ["picamera2://7", "v4l2:///dev/video77"])
    found = row("camera")
    assert found.status is Status.WARN
    assert "picamera2://7: " in found.message
    assert "v4l2:///dev/video77: " in found.message
    assert found.remedy.startswith("plug one in")
    device = tmp_path / "video78"
    device.touch()
    monkeypatch.setattr(checks, "candidates", lambda: [f"v4l2://{device}"])
    monkeypatch.setattr("fer_edge.runtime.checks.os.access", lambda *_: False)  # root may read everything
    assert "usermod -aG video" in row("camera").remedy


def test_without_blazeface_the_command_that_fetches_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert row("face detector").remedy == "fer-edge models fetch"


@pytest.mark.parametrize(
    ("governor", "driver", "status"),
    [
        ("ondemand", "cpufreq-dt", Status.OK),
        ("powersave", "cpufreq-dt", Status.WARN),
        ("powersave", "intel_pstate", Status.OK),
    ],
)
def test_a_governor_that_is_slow_is_a_warning(governor: str, driver: str, status: Status, tmp_path: Path) -> None:
    assert row("governor", board(tmp_path, governor, 50_000, driver)).status is status


def test_heat_and_throttling_are_warnings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert row("throttling", board(tmp_path / "cool", "ondemand", 50_000)).status is Status.OK
    assert row("throttling", board(tmp_path / "hot", "ondemand", 85_000)).message == "hot, 85 degrees"
    programs = tmp_path / "programs"
    programs.mkdir()
    stand_in(programs, "vcgencmd", "echo throttled=0x50005")
    monkeypatch.setenv("PATH", str(programs), prepend=":")
    found = row("throttling", tmp_path / "cool")
    assert found.status is Status.WARN
    assert "power supply was too weak" in found.message
    stand_in(programs, "vcgencmd", "echo throttled=0x4")
    assert "slowed down now, 50 degrees" in row("throttling", tmp_path / "cool").message


def test_a_jetson_needs_its_elements(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nv_tegra_release").touch()
    monkeypatch.setattr(checks, "JETSON", tmp_path / "nv_tegra_release")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert row("gstreamer").remedy == "sudo apt install gstreamer1.0-tools"
    stand_in(tmp_path, "gst-inspect-1.0", "exit 1")
    assert row("gstreamer").message == "nvarguscamerasrc, nvvidconv not found"
    stand_in(tmp_path, "gst-inspect-1.0", "exit 0")
    assert row("gstreamer").status is not Status.FAIL


def test_debian_s_picamera2_beside_pip_s_packages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "picamera2").mkdir()
    monkeypatch.setattr(doctor, "DEBIAN_PACKAGES", tmp_path)
    unseen = describe(PICAMERA2, "does not import: ModuleNotFoundError: No module named 'picamera2'")
    assert unseen.status is Status.FAIL
    assert "does not see it" in unseen.message
    assert "--system-site-packages" in unseen.remedy
    old = "does not import: ValueError: numpy.dtype size changed, may indicate binary incompatibility"
    clash = describe(PICAMERA2, old)
    assert clash.status is Status.FAIL
    assert "compiled for numpy 1" in clash.message
    assert clash.remedy == "pip install 'numpy<2' 'opencv-python-headless<4.12'"
