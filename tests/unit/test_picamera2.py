"""The Raspberry Pi source against a stand-in for picamera2 that delivers what cameras do: padded rows, any format."""

from __future__ import annotations

import sys
import time
from concurrent.futures import TimeoutError as TimeoutFuture
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from fer_edge.errors import EnvironmentFailure
from fer_edge.runtime.sources import open_source
from fer_edge.runtime.sources.base import SourceLostError
from fer_edge.runtime.sources.colour import PixelFormat
from tests.unit.test_colour import LAYOUTS, RGB

NAMES = {
    "RGB888": PixelFormat.BGR,
    "BGR888": PixelFormat.RGB,
    "XRGB8888": PixelFormat.BGRX,
    "XBGR8888": PixelFormat.RGBX,
    "YUYV": PixelFormat.YUYV,
    "NV12": PixelFormat.NV12,
    "YUV420": PixelFormat.I420,
}
PADDING = 32  # bytes at the end of each row


def buffer(name: str) -> tuple[np.ndarray, int]:
    """The bytes of a padded picture, and its stride."""
    pixels = LAYOUTS[NAMES[name]]
    rows = pixels.reshape(pixels.shape[0], -1)
    if name == "YUV420":  # chroma rows are half as long
        luma, chroma = rows[:8], rows[8:].reshape(8, 8)
        padded = [np.pad(luma, ((0, 0), (0, PADDING))).ravel(), np.pad(chroma, ((0, 0), (0, PADDING // 2))).ravel()]
        return np.concatenate(padded), 16 + PADDING
    return np.pad(rows, ((0, 0), (0, PADDING))).ravel(), rows.shape[1] + PADDING


class StandIn:
    cameras = 1
    delivers = "NV12"
    timestamp: int | None = None
    closed = 0
    stalled = False
    cancelled = 0

    def __init__(self, number: int) -> None:
        self.number = number

    @classmethod
    def global_camera_info(cls) -> list[dict[str, Any]]:
        return [{}] * cls.cameras

    def create_video_configuration(self, **wanted: Any) -> dict[str, Any]:
        assert wanted["queue"] is False
        return wanted

    def configure(self, configuration: dict[str, Any]) -> None: ...

    def start(self) -> None: ...

    def camera_configuration(self) -> dict[str, Any]:
        return {"main": {"format": self.delivers, "size": (16, 8), "stride": buffer(self.delivers)[1]}}

    def capture_request(self, wait: bool) -> StandIn:
        assert not wait
        return self

    def wait(self, job: StandIn, timeout: float) -> StandIn:
        if self.stalled:
            raise TimeoutFuture
        return job

    def cancel_all_and_flush(self) -> None:
        type(self).cancelled += 1

    def make_buffer(self, name: str) -> np.ndarray:
        return buffer(self.delivers)[0]

    def get_metadata(self) -> dict[str, Any]:
        return {} if self.timestamp is None else {"SensorTimestamp": self.timestamp}

    def release(self) -> None: ...

    def stop(self) -> None: ...

    def close(self) -> None:
        type(self).closed += 1


@pytest.fixture
def camera(monkeypatch: pytest.MonkeyPatch) -> type[StandIn]:
    module = ModuleType("picamera2")
    stand_in = type("Picamera2", (StandIn,), {})
    module.Picamera2 = stand_in  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "picamera2", module)
    return stand_in


@pytest.mark.parametrize("delivered", list(NAMES))
def test_frames_are_rgb_whatever_the_camera_delivers(camera: type[StandIn], delivered: str) -> None:
    camera.delivers = delivered
    with open_source("picamera2://0?size=16x8") as source:
        frame = source.read()
    assert frame is not None
    assert frame.pixels.shape == RGB.shape
    assert np.abs(frame.pixels.astype(int) - RGB).max() <= 6
    assert camera.closed == 1


def test_the_sensors_time_is_brought_to_the_monotonic_clock(camera: type[StandIn]) -> None:
    camera.timestamp = time.clock_gettime_ns(time.CLOCK_BOOTTIME) - 30_000_000
    with open_source("picamera2://0") as source:
        frame = source.read()
    assert frame is not None
    assert (time.monotonic_ns() - frame.captured_ns) / 1e6 == pytest.approx(30, abs=20)
    camera.timestamp = 5  # of a clock that cannot be ours
    with open_source("picamera2://0") as source:
        frame = source.read()
    assert frame is not None
    assert (time.monotonic_ns() - frame.captured_ns) / 1e6 < 20


def test_a_camera_that_stalls_is_lost_and_can_be_closed(camera: type[StandIn]) -> None:
    camera.stalled = True
    with open_source("picamera2://0") as source, pytest.raises(SourceLostError, match="gave no frame for 5 s"):
        source.read()
    assert (camera.cancelled, camera.closed) == (1, 1)


def test_a_camera_that_is_not_there_says_how_to_look(camera: type[StandIn]) -> None:
    camera.cameras = 1
    with pytest.raises(EnvironmentFailure, match="sees 1 cameras, none with number 3"), open_source("picamera2://3"):
        pass


def test_without_picamera2_the_remedy_names_apt_and_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "picamera2", None)
    with pytest.raises(EnvironmentFailure, match="--system-site-packages"), open_source("picamera2://0"):
        pass
