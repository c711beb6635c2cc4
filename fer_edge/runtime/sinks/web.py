"""The picture, the faces and the figures in a browser: web://127.0.0.1:8080."""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import threading
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from fer_edge.errors import EnvironmentFailure, UsageError
from fer_edge.optional import require
from fer_edge.runtime.sinks.annotate import annotated
from fer_edge.runtime.sinks.base import Published
from fer_edge.runtime.uri import Options, Uri

import cv2  # isort: skip - after preprocess, which sets OpenCV's limits

if TYPE_CHECKING:
    from fer_edge.runtime.sinks.web_app import Hub

LOOPBACK = ("127.0.0.1", "localhost", "::1")
JPEG_QUALITY = 80
MIN_TOKEN = 16  # characters
STOP_S = 1.0


class WebOptions(Options):
    """What may follow web://HOST:PORT?.

    Attributes:
        token: what a browser must show where HOST is not this machine's own loopback address.
    """

    token: str = ""


class WebSink:
    """A small web server in a thread of its own; a frame is encoded once, whoever looks, and only if somebody does."""

    needs_frames = False  # with --no-frames the page shows everything but the picture
    shows_frames = True
    delivers = True
    writes_a_file = False

    def __init__(self, uri: Uri) -> None:
        host, _, port = uri.target.rpartition(":")
        self._host = host.strip("[]")
        if not self._host or not port.isdecimal() or not 0 <= int(port) < 65536:
            raise UsageError(f"{uri.text!r} names no address", "Write web://127.0.0.1:8080")
        self._port = int(port)
        self._token = uri.parse_options(WebOptions).token
        if self._host not in LOOPBACK and len(self._token) < MIN_TOKEN:
            raise UsageError(
                f"{self._host} can be reached from elsewhere: the page needs a token of {MIN_TOKEN} characters or more",
                f"Write web://{self._host}:{port}?token=..., made with: openssl rand -hex 16",
            )
        self.leaves = ""

    def open(self) -> None:
        """See `Sink.open`."""
        require("starlette", extra="web")
        uvicorn = require("uvicorn", extra="web")
        require("websockets", extra="web")
        from fer_edge.runtime.sinks.web_app import Hub, make_app

        self._hub: Hub = Hub()
        listening = self._bind()
        self.address = f"http://{self._host}:{listening.getsockname()[1]}/"
        self.leaves = f"boxes, labels and probabilities to browsers at {self.address}"
        hosts = {self._host, *LOOPBACK} if self._host in LOOPBACK else None
        app = make_app(self._hub, token=self._token, hosts=hosts)
        # log_config: its own would close other handlers of this process, and with them their streams.
        limits = {"timeout_graceful_shutdown": 1, "ws_max_size": 1024}
        config = uvicorn.Config(app, log_config=None, log_level="error", access_log=False, **limits)
        self._server: Any = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, args=(listening,), name="web", daemon=True)
        self._thread.start()

    def write(self, published: Published) -> None:
        """See `Sink.write`."""
        hub = self._hub
        if not hub.watched:
            return
        text = json.dumps({**published.message.document(), **figures(published)})
        jpeg = None
        if published.pixels is not None and hub.viewers:
            picture = annotated(published.pixels, published.message)[..., ::-1]
            jpeg = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])[1].tobytes()
        hub.publish(text, jpeg)

    def close(self) -> None:
        """See `Sink.close`."""
        if hasattr(self, "_server"):
            self._hub.close()
            self._server.should_exit = True
            self._thread.join(STOP_S)

    def _bind(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listening = socket.socket(family, socket.SOCK_STREAM)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listening.bind((self._host, self._port))
            listening.listen()  # before anybody else does: binding alone would let two servers have one port
        except OSError as error:
            listening.close()
            raise EnvironmentFailure(
                f"the web view cannot use {self._host}:{self._port}: {error.strerror}",
                "Choose another port" if error.errno == errno.EADDRINUSE else "Name an address that this machine has",
            ) from error
        return listening

    def _serve(self, listening: socket.socket) -> None:
        asyncio.run(self._server.serve(sockets=[listening]))


def figures(published: Published) -> Mapping[str, object]:
    """What the page shows beside the faces: frames a second, the stages' times, the compared models."""
    summary = published.summary()
    rate = summary.frames / summary.seconds if summary.seconds else 0.0
    return {
        "rate": rate,
        "dropped": summary.dropped,
        "stages": {name: asdict(stage) for name, stage in summary.stages.items()},
        "models": [asdict(model) for model in published.models()],
        "no_frames": published.pixels is None,
    }
