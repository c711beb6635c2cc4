"""The web view of a running pipeline: what it shows, whom it refuses, and what a slow browser may not do."""

from __future__ import annotations

import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect
from websockets.typing import Origin

from fer_edge.errors import EnvironmentFailure, UsageError
from fer_edge.runtime.pipeline import Pipeline, PipelineSettings, RunSummary
from fer_edge.runtime.sinks import make_sink
from fer_edge.runtime.sinks.web import WebSink
from tests.integration.test_pipeline import FakeCamera, Recorder, pipeline
from tests.support.measured import undisturbed

TOKEN = "0123456789abcdef"


class Running:
    """A pipeline in a thread, with a web view."""

    def __init__(self, uri: str, no_frames: bool = False, fps: float = 100) -> None:
        sink = make_sink(uri, no_frames)
        assert isinstance(sink, WebSink)
        self.sink = sink
        self.recorder = Recorder()
        self._camera = FakeCamera(fps)
        settings = PipelineSettings(no_frames=no_frames)
        sinks = [sink, self.recorder]
        self._pipeline: Pipeline = pipeline(self._camera, 0.001, 0.001, sinks, settings)  # type: ignore[arg-type]
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.summary: RunSummary | None = None

    def _run(self) -> None:
        with self._camera:
            self.summary = self._pipeline.run()

    def __enter__(self) -> Running:
        self.sink.open()
        self._thread.start()
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            try:
                httpx.get(self.sink.address, params={"token": TOKEN})
                return self
            except httpx.TransportError:
                time.sleep(0.02)
        raise AssertionError("the web view does not answer")

    def __exit__(self, *_: object) -> None:
        self._pipeline.stop()
        self._thread.join(5)
        self.sink.close()

    @property
    def socket_address(self) -> str:
        return self.sink.address.replace("http", "ws") + "messages"


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    with Running("web://127.0.0.1:0") as running:
        yield running


def pictures(address: str, count: int, **params: str) -> list[np.ndarray]:
    """The first pictures of the stream, decoded: BGR."""
    found: list[np.ndarray] = []
    data = b""
    with httpx.stream("GET", address + "stream.mjpg", params=params) as response:
        assert response.status_code == 200
        for chunk in response.iter_raw():
            data += chunk
            while (start := data.find(b"\xff\xd8")) >= 0 and (end := data.find(b"\xff\xd9", start)) >= 0:
                found.append(np.asarray(cv2.imdecode(np.frombuffer(data[start : end + 2], np.uint8), cv2.IMREAD_COLOR)))
                data = data[end + 2 :]
                if len(found) == count:
                    return found
    return found


def test_the_page_and_its_files_are_there(running: Running) -> None:
    page = httpx.get(running.sink.address)
    assert page.status_code == 200
    assert "script-src 'self'" in page.headers["content-security-policy"]
    for name in ("page.js", "page.css"):
        assert httpx.get(running.sink.address + name).status_code == 200


@pytest.mark.parametrize("path", ["../web.py", "%2e%2e/web.py", "page/../../web.py", "etc/passwd", "web.py"])
def test_nothing_else_is_served(running: Running, path: str) -> None:
    assert httpx.get(running.sink.address + path).status_code == 404


def test_pictures_come_with_boxes(running: Running) -> None:
    for picture in pictures(running.sink.address, 3):
        assert picture.shape == (48, 64, 3)
        assert np.ptp(picture) > 50  # the camera's frames are plain grey; the box is not


def test_messages_are_those_of_the_other_sinks(running: Running) -> None:
    with connect(running.socket_address) as client:
        message = json.loads(client.recv(timeout=5))
    assert message["schema_version"] == 1
    assert list(message["faces"][0]["probabilities"]) == ["a", "b", "c"]
    assert message["rate"] > 0
    assert {"capture", "detect", "classify"} <= set(message["stages"])
    assert any(p.message.seq == message["seq"] for p, _ in running.recorder.published)


def test_foreign_hosts_and_origins_are_refused(running: Running) -> None:
    for headers in ({"Host": "evil.example"}, {"Origin": "http://evil.example"}):
        for path in ("", "stream.mjpg"):
            assert httpx.get(running.sink.address + path, headers=headers).status_code == 403
    with (
        pytest.raises(InvalidStatus, match="403"),
        connect(running.socket_address, origin=Origin("http://evil.example")),
    ):
        pass


def test_other_addresses_need_a_token() -> None:
    with pytest.raises(UsageError, match="openssl rand -hex 16"):
        make_sink("web://0.0.0.0:8080", no_frames=False)
    with pytest.raises(UsageError):
        make_sink("web://0.0.0.0:8080?token=short", no_frames=False)
    with Running(f"web://0.0.0.0:0?token={TOKEN}") as running:
        address = running.sink.address.replace("0.0.0.0", "127.0.0.1")
        for path in ("", "stream.mjpg", "page.js"):
            assert httpx.get(address + path).status_code == 403
            assert httpx.get(address + path, params={"token": "x" * 16}).status_code == 403
        with pytest.raises(InvalidStatus, match="403"), connect(address.replace("http", "ws") + "messages"):
            pass
        page = httpx.get(address, params={"token": TOKEN})
        assert page.status_code == 200
        assert "httponly" in page.headers["set-cookie"].lower()
        assert httpx.get(address + "page.js", cookies=page.cookies).status_code == 200
        assert len(pictures(address, 1, token=TOKEN)) == 1


def test_without_frames_no_picture_leaves() -> None:
    with Running("web://127.0.0.1:0", no_frames=True) as running:
        received = b""
        with socket.create_connection(("127.0.0.1", int(running.sink.address.rsplit(":", 1)[1].strip("/")))) as raw:
            raw.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            raw.settimeout(0.3)
            with pytest.raises(TimeoutError):
                while True:
                    received += raw.recv(65536)
        assert b"\xff\xd8" not in received
        with connect(running.socket_address) as client:
            assert json.loads(client.recv(timeout=5))["no_frames"] is True


def test_a_taken_port_is_an_error_with_a_remedy() -> None:
    with Running("web://127.0.0.1:0") as running:
        port = running.sink.address.rsplit(":", 1)[1].strip("/")
        with pytest.raises(EnvironmentFailure, match="Choose another port"):
            make_sink(f"web://127.0.0.1:{port}", no_frames=False).open()


def test_one_encode_serves_all_and_clients_that_never_read_slow_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    encoded = 0
    original = cv2.imencode

    def counted(*arguments: object) -> object:
        nonlocal encoded
        encoded += 1
        return original(*arguments)  # type: ignore[call-overload]

    monkeypatch.setattr("fer_edge.runtime.sinks.web.cv2.imencode", counted)

    def check() -> None:
        nonlocal encoded
        with Running("web://127.0.0.1:0", fps=60) as running, ExitStack() as clients:
            time.sleep(0.5)  # the first frames come in a burst
            before = len(running.recorder.published)
            time.sleep(2)
            alone = (len(running.recorder.published) - before) / 2
            port = int(running.sink.address.rsplit(":", 1)[1].strip("/"))
            for _ in range(20):
                raw = clients.enter_context(socket.create_connection(("127.0.0.1", port)))
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                raw.sendall(b"GET /stream.mjpg HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            time.sleep(0.5)
            before, encoded = len(running.recorder.published), 0
            time.sleep(2)
            watched = (len(running.recorder.published) - before) / 2
        assert 0 < encoded <= watched * 2 * 1.1
        assert watched >= 0.95 * alone

    undisturbed(check)


def test_the_end_ends_all_streams_soon(tmp_path: Path) -> None:
    running = Running("web://127.0.0.1:0")
    with running, connect(running.socket_address) as client:
        client.recv(timeout=5)
        started = time.monotonic()
        running.__exit__()
        with pytest.raises(ConnectionClosed):
            while True:
                client.recv(timeout=3)
        assert time.monotonic() - started < 2.5


def test_a_taken_port_gives_the_page_another(monkeypatch: pytest.MonkeyPatch) -> None:
    from fer_edge.cli import run

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        monkeypatch.setattr(run, "DEFAULT_PORT", taken.getsockname()[1])
        assert run._default_sinks() == ("console:", "web://127.0.0.1:0")
    assert run._default_sinks()[1] == f"web://127.0.0.1:{run.DEFAULT_PORT}"


def test_the_logging_of_the_process_is_left_alone() -> None:
    closed: list[str] = []

    class Handler(logging.Handler):
        def close(self) -> None:
            closed.append("closed")
            super().close()

    handler = Handler()
    with Running("web://127.0.0.1:0"):
        pass
    assert closed == []
    handler.close()
