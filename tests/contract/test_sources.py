"""One suite for every source that this machine can open."""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from fer_edge.errors import BadInputError, EnvironmentFailure, UsageError
from fer_edge.registry import lookup
from fer_edge.runtime.sources import SOURCES, open_source
from fer_edge.runtime.sources.base import BadFrameError, FrameSource

WIDTH, HEIGHT, FRAMES = 64, 48, 5
RED_OVER_BLUE = "videotestsrc num-buffers=5 pattern=solid-color foreground-color=0xffff0000"


def picture(number: int = 0) -> np.ndarray:
    """Red above, blue below, brighter from frame to frame: RGB."""
    pixels = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    pixels[: HEIGHT // 2, :, 0] = 180 + number * 10
    pixels[HEIGHT // 2 :, :, 2] = 180 + number * 10
    return pixels


@pytest.fixture(scope="module")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """clip.avi and the folder pictures/ of the same frames."""
    folder = tmp_path_factory.mktemp("recordings")
    writer = cv2.VideoWriter(str(folder / "clip.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 50, (WIDTH, HEIGHT))
    (folder / "pictures").mkdir()
    for number in range(FRAMES):
        writer.write(picture(number)[..., ::-1])
        cv2.imwrite(str(folder / "pictures" / f"{number}.png"), picture(number)[..., ::-1])
    writer.release()
    return folder


def _gstreamer() -> bool:
    return shutil.which("gst-launch-1.0") is not None


@pytest.fixture(params=["file", "images", "synthetic", "gst"])
def make(request: pytest.FixtureRequest, recordings: Path) -> Callable[[], FrameSource]:
    """Makes a source of five frames, red above and blue below where it shows a picture of ours."""
    if request.param == "gst" and not _gstreamer():
        pytest.skip("needs gst-launch-1.0: sudo apt install gstreamer1.0-tools gstreamer1.0-plugins-good")
    uris = {
        "file": f"file:{recordings}/clip.avi",
        "images": f"images:{recordings}/pictures",
        "synthetic": f"synthetic://?size={WIDTH}x{HEIGHT}&frames={FRAMES}&fps=0",
        "gst": f"gst://multifilesrc location={recordings}/pictures/%d.png ! pngdec",
    }
    return lambda: open_source(uris[request.param])


def frames(source: FrameSource) -> Iterator[tuple[np.ndarray, int, int]]:
    with source:
        while (frame := source.read()) is not None:
            yield frame.pixels, frame.captured_ns, frame.seq


def test_frames_are_rgb_counted_and_timed(make: Callable[[], FrameSource]) -> None:
    started = time.monotonic_ns()
    found = list(frames(make()))
    assert 1 <= len(found) <= FRAMES
    assert [seq for _, _, seq in found] == list(range(len(found)))
    times = [captured_ns for _, captured_ns, _ in found]
    assert times == sorted(times)
    assert started <= times[0]
    assert times[-1] <= time.monotonic_ns() + FRAMES * 10**9  # a recording keeps its own time
    for pixels, _, _ in found:
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        assert pixels.dtype == np.uint8
    if not make().name.startswith("synthetic"):
        above, below = found[0][0][HEIGHT // 4], found[0][0][3 * HEIGHT // 4]
        for row, bright, dark in (
            (above, 0, (1, 2)),
            (below, 2, (0, 1)),
        ):  # a pipeline may have dropped the first frames
            assert 170 < row[:, bright].mean() < 230
            assert row[:, dark].max() < 15


def test_a_source_opens_again_and_closes_once(make: Callable[[], FrameSource]) -> None:
    source = make()
    with source:
        assert source.read() is not None
    source.__exit__(None, None, None)
    assert len(list(frames(make()))) >= 1


def test_a_loop_has_no_end(recordings: Path) -> None:
    for uri in (f"file:{recordings}/clip.avi?loop=1", f"images:{recordings}/pictures?loop=1"):
        with open_source(uri) as source:
            assert all(source.read() is not None for _ in range(3 * FRAMES)), uri


def test_realtime_keeps_the_recordings_speed(recordings: Path) -> None:
    source = open_source(f"file:{recordings}/clip.avi?realtime=1")
    assert source.live
    times = [captured_ns for _, captured_ns, _ in frames(source)]
    assert np.diff(times).tolist() == pytest.approx([20e6] * (FRAMES - 1), rel=0.01)
    assert not open_source(f"file:{recordings}/clip.avi").live


@pytest.mark.parametrize(
    ("uri", "error", "words"),
    [
        ("clip.mp4", UsageError, "file:clip.mp4"),
        ("rtsp://camera/1", UsageError, "picamera2:, csi:"),
        ("file:{}/none.mp4", BadInputError, "there is no video"),
        ("file:{}/text.mp4", BadInputError, "not a video"),
        ("file:{}/clip.avi?speed=2", UsageError, "speed: is not known; known are loop, realtime, fps"),
        ("file:{}/clip.avi?fps=0", UsageError, "fps"),
        ("images:{}/none", BadInputError, "there is no folder"),
        ("images:{}/empty", BadInputError, "holds no pictures"),
        ("v4l2:///dev/video99", EnvironmentFailure, "there is no camera /dev/video99"),
        ("v4l2://0", UsageError, "v4l2:///dev/video0"),
        ("picamera2://front", UsageError, "picamera2://0"),
        ("csi://left", UsageError, "csi://0"),
        ("gst://", UsageError, "holds no pipeline"),
        ("synthetic://?size=640", UsageError, "size"),
        ("synthetic://?size=0x0", UsageError, "size"),
        ("file:{}/a#b.mp4", BadInputError, "a#b.mp4"),
        ("file://[x.mp4", BadInputError, "there is no video [x.mp4"),
    ],
)
def test_what_cannot_be_opened_says_why(uri: str, error: type[Exception], words: str, recordings: Path) -> None:
    (recordings / "text.mp4").write_text("no video")
    (recordings / "empty").mkdir(exist_ok=True)
    with pytest.raises(error) as caught, open_source(uri.format(recordings)):
        pass
    assert words in str(caught.value)


def test_a_damaged_picture_is_a_bad_frame_and_the_next_one_comes(recordings: Path, tmp_path: Path) -> None:
    (tmp_path / "0.png").write_bytes((recordings / "pictures" / "0.png").read_bytes()[:60])
    shutil.copy(recordings / "pictures" / "1.png", tmp_path)
    with open_source(f"images:{tmp_path}") as source:
        with pytest.raises(BadFrameError):
            source.read()
        assert source.read() is not None
        assert source.read() is None


def test_synthetic_frames_are_the_same_for_the_same_seed() -> None:
    uri = "synthetic://?faces=2&frames=3&fps=0&seed=4"
    for (one, _, _), (other, _, _) in zip(frames(open_source(uri)), frames(open_source(uri)), strict=True):
        assert np.array_equal(one, other)


def test_every_line_of_the_table_leads_to_a_source() -> None:
    for scheme in SOURCES:
        assert issubclass(lookup(SOURCES, scheme, "source"), FrameSource)
