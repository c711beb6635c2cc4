"""The web view's pages and streams; imported only where Starlette is installed."""

from __future__ import annotations

import asyncio
import contextlib
import hmac
from collections.abc import AsyncIterator, Set
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import FileResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route, WebSocketRoute
from starlette.types import ASGIApp, Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

PAGE = Path(__file__).parent / "page"
FILES = {"/": "index.html", "/page.css": "page.css", "/page.js": "page.js", "/icon.svg": "icon.svg"}
COOKIE = "fer_edge_token"
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MAX_CLIENTS = 64


class Hub:
    """Hands the newest message and picture to everybody who is connected; who is slow skips.

    Attributes:
        text: the newest message, JSON.
        jpeg: the newest picture; None when there is none.
        closed: the pipeline has ended.
    """

    def __init__(self) -> None:
        self.text = ""
        self.jpeg: bytes | None = None
        self.closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[asyncio.Event, bool] = {}

    @property
    def watched(self) -> bool:
        """Whether anybody is connected."""
        return bool(self._waiting)

    @property
    def viewers(self) -> bool:
        """Whether anybody looks at the picture."""
        return any(self._waiting.copy().values())

    def publish(self, text: str, jpeg: bytes | None) -> None:
        """Called from the sink's thread."""
        self.text, self.jpeg = text, jpeg
        self._wake()

    def close(self) -> None:
        """Let all streams end; called from the sink's thread."""
        self.closed = True
        self._wake()

    def join(self, picture: bool) -> asyncio.Event:
        """Connect; the event is set for every message."""
        self._loop = asyncio.get_running_loop()
        event = asyncio.Event()
        self._waiting[event] = picture
        return event

    def leave(self, event: asyncio.Event) -> None:
        """Disconnect."""
        self._waiting.pop(event, None)

    @property
    def full(self) -> bool:
        """Whether no more clients are taken."""
        return len(self._waiting) >= MAX_CLIENTS

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._set_all)

    def _set_all(self) -> None:
        for event in self._waiting:
            event.set()


def make_app(hub: Hub, token: str, hosts: Set[str] | None) -> ASGIApp:
    """The application.

    Args:
        hub: what is shown.
        token: what a browser must show, once as ?token=, then as a cookie; empty for none.
        hosts: names under which the page may be asked for (a foreign site that resolves to this machine comes under
            another); None where the token protects it.
    """

    async def stream(request: Request) -> Response:
        if hub.full:
            return PlainTextResponse("too many viewers", 503)
        media_type = "multipart/x-mixed-replace; boundary=frame"
        return StreamingResponse(_pictures(hub, request), media_type=media_type, headers=HEADERS)

    async def messages(socket: WebSocket) -> None:
        await socket.accept()
        if hub.full:
            await socket.close(1013)
            return
        event = hub.join(picture=False)
        try:
            with contextlib.suppress(WebSocketDisconnect, RuntimeError):  # gone while we were sending
                await _send_messages(hub, socket, event)
        finally:
            hub.leave(event)

    async def file(request: Request) -> Response:
        response = FileResponse(PAGE / FILES[request.url.path], headers=HEADERS)
        if token:
            response.set_cookie(COOKIE, token, httponly=True, samesite="strict")
        return response

    routes = [Route(path, file) for path in FILES]
    app = Starlette(routes=[*routes, Route("/stream.mjpg", stream), WebSocketRoute("/messages", messages)])
    return Guard(app, token, hosts)


class Guard:
    """Lets nobody in who comes from another site or lacks the token."""

    def __init__(self, app: ASGIApp, token: str, hosts: Set[str] | None) -> None:
        self._app, self._token, self._hosts = app, token, hosts

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or pass it on."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        problem = self._problem(HTTPConnection(scope))
        if not problem:
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": problem})
        else:
            await PlainTextResponse(problem, 403)(scope, receive, send)

    def _problem(self, connection: HTTPConnection) -> str:
        host = connection.headers.get("host", "")
        if self._hosts is not None and (urlsplit(f"//{host}").hostname or "") not in self._hosts:
            return "unknown host"
        origin = connection.headers.get("origin")
        if origin is not None and urlsplit(origin).netloc != host:
            return "foreign origin"
        given = connection.query_params.get("token") or connection.cookies.get(COOKIE) or ""
        if self._token and not hmac.compare_digest(given.encode(), self._token.encode()):
            return "wrong or missing token: open the page with ?token=..."
        return ""


async def _pictures(hub: Hub, request: Request) -> AsyncIterator[bytes]:
    event = hub.join(picture=True)
    try:
        while not hub.closed and not await request.is_disconnected():
            await event.wait()
            event.clear()
            if (jpeg := hub.jpeg) is not None:
                head = f"--frame\r\nContent-Type: image/jpeg\r\nContent-Length: {len(jpeg)}\r\n\r\n"
                yield head.encode() + jpeg + b"\r\n"
    finally:
        hub.leave(event)


async def _send_messages(hub: Hub, socket: WebSocket, event: asyncio.Event) -> None:
    async def until_gone() -> None:
        with contextlib.suppress(WebSocketDisconnect):
            while True:
                await socket.receive_text()

    gone = asyncio.ensure_future(until_gone())
    try:
        while not hub.closed and not gone.done():
            waiting = asyncio.ensure_future(event.wait())
            await asyncio.wait({waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()
            event.clear()
            if hub.text and not gone.done():
                await socket.send_text(hub.text)
    finally:
        gone.cancel()
    if hub.closed:
        await socket.close()
