"""Hosting: what a shared server adds around the pages: security headers, compression, a health answer, a warm start."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import socket
import stat
from base64 import b64encode
from contextlib import asynccontextmanager, suppress
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware import Middleware
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Route

from planner.ui.inputs import Inputs, price_month

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

SCRIPT = Path(__file__).with_name("script.py")
"""What Streamlit runs at every change of an input."""

CLOSED = ("/_stcore/metrics", "/_stcore/agent")
"""What Streamlit answers about a server without asking who wants to know."""

_WORTH_COMPRESSING = re.compile(r"text/css|javascript|json|svg|wasm|font/(otf|ttf)")
_MOST_FILES = 1000
_OPEN_FILES = "/dev/fd"
"""One entry per open file of this process, where the system has such a folder."""
_INLINE = re.compile(r"<script>(.*?)</script>", re.DOTALL)


@cache
def policy() -> str:
    """The content-security policy: everything from this origin, and no script but files and those in its own page."""
    page = Path(streamlit.__file__).with_name("static").joinpath("index.html").read_text(encoding="utf-8")
    hashes = [b64encode(hashlib.sha256(text.encode()).digest()).decode() for text in _INLINE.findall(page)]
    scripts = " ".join(f"'sha256-{text}'" for text in hashes)
    return "; ".join(
        (
            "default-src 'self'",
            f"script-src 'self' {scripts}",
            "style-src 'self' 'unsafe-inline'",
            "img-src 'self' data: blob:",
            "font-src 'self' data:",
            "connect-src 'self'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'self'",
        )
    )


class Guarded:
    """Gives every answer the security headers, and no answer to what is CLOSED."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.headers = {
            "content-security-policy": policy(),
            "x-content-type-options": "nosniff",
            "referrer-policy": "no-referrer",
            "cross-origin-opener-policy": "same-origin",
            "permissions-policy": "camera=(), geolocation=(), microphone=()",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(self.headers)
            await send(message)

        refused = scope["type"] == "http" and scope["path"].startswith(CLOSED)
        answer = PlainTextResponse("Not found", status_code=404) if refused else self.app
        await answer(scope, receive, guarded if scope["type"] == "http" else send)


class Compressed:
    """Compresses the files of the pages, each once: their names change with what they hold."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        self.kept: dict[str, tuple[Message, bytes]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "GET" or not _wants_gzip(scope):
            await self.app(scope, receive, send)
            return
        if scope["path"] not in self.kept:
            collected = _Collected(send)
            await self.app(scope, receive, collected)
            if collected.start is None:
                return
            if len(self.kept) >= _MOST_FILES:
                self.kept.clear()
            self.kept[scope["path"]] = _compressed(collected.start, b"".join(collected.parts))
        start, body = self.kept[scope["path"]]
        await send({**start, "headers": list(start["headers"])})
        await send({"type": "http.response.body", "body": body})


def _wants_gzip(scope: Scope) -> bool:
    """Whether this asks for a whole file of the pages and takes it compressed."""
    asked = Headers(scope=scope)
    partial = "range" in asked or "if-none-match" in asked
    return "/static/" in scope["path"] and not partial and "gzip" in asked.get("accept-encoding", "")


class _Collected:
    """Keeps an answer worth compressing back; passes any other on. `start` is None once it was passed on."""

    def __init__(self, send: Send) -> None:
        self.send = send
        self.start: Message | None = None
        self.parts: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start" and _is_worth_it(message):
            self.start = message
        elif self.start is not None:
            self.parts.append(message.get("body", b""))
        else:
            await self.send(message)


def _is_worth_it(start: Message) -> bool:
    headers = Headers(raw=start["headers"])
    kind = headers.get("content-type", "")
    return start["status"] == 200 and "content-encoding" not in headers and bool(_WORTH_COMPRESSING.search(kind))


def _compressed(start: Message, body: bytes) -> tuple[Message, bytes]:
    small = gzip.compress(body, compresslevel=6, mtime=0)
    headers = MutableHeaders(raw=list(start["headers"]))
    headers.update({"content-encoding": "gzip", "content-length": str(len(small)), "vary": "accept-encoding"})
    return {**start, "headers": headers.raw}, small


async def health(request: Request) -> JSONResponse:
    """That the server answers, which version of planner it is, and the month of its prices."""
    return JSONResponse({"status": "ok", "planner": version("planner"), "prices": price_month()})


def send_at_once() -> None:
    """Let every small message leave when it is written, not when the browser has acknowledged the one before it.

    Streamlit opens its port without naming TCP, so that asyncio leaves Nagle's algorithm on (uvicorn issue 3149): on
    Linux the messages of a rerun then wait up to 40 ms. Connections inherit the option from the port.
    """
    for number in os.listdir(_OPEN_FILES) if os.path.isdir(_OPEN_FILES) else ():
        with suppress(OSError):
            if stat.S_ISSOCK(os.fstat(int(number)).st_mode):
                with socket.fromfd(int(number), socket.AF_INET, socket.SOCK_STREAM) as opened:
                    if opened.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


@asynccontextmanager
async def warmed(app: Any) -> AsyncIterator[None]:
    """Load what the first visitor would wait for, before anyone is let in, and let no answer wait in the network."""
    from planner.ui import plan_page  # noqa: F401

    Inputs().plan().frontier()
    send_at_once()
    yield


HOSTED: dict[str, Any] = {
    "routes": [Route("/healthz", health)],
    "middleware": [Middleware(Guarded), Middleware(Compressed)],
    "lifespan": warmed,
}
"""What `streamlit.App` takes besides the script."""
