"""What every answer and every request gets: careful headers, and one line in the log that names no token."""

from __future__ import annotations

import time
from urllib.parse import urlsplit

import structlog
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from recoup.metrics import REQUESTS
from recoup.web.pages import ASSETS_PATH

_log = structlog.get_logger("recoup.web.access")

STRICT_CSP = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

_METHODS = frozenset({"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"})

DEFAULTS = {
    "Content-Security-Policy": STRICT_CSP,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cross-Origin-Opener-Policy": "same-origin",
}
"""For answers that say nothing else themselves."""


class CarefulHeaders:
    """Adds what keeps an answer from being cached, framed, sniffed, indexed, or told about in a referrer."""

    def __init__(self, app: ASGIApp, public_url: str) -> None:
        self._app = app
        self._headers = dict(DEFAULTS)
        if urlsplit(public_url).scheme == "https":
            self._headers["Strict-Transport-Security"] = "max-age=31536000"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and complete the answer's headers."""

        async def complete(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, complete)


class AccessLog:
    """One line for each request: the route, never the path, which may hold a token; no query, no address."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on and log how it went."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began, status = time.monotonic(), 500

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            took, route = time.monotonic() - began, _route(scope)
            REQUESTS.labels(route, _method(scope), str(status)).observe(took)
            _log.info("request", method=scope["method"], route=route, status=status, ms=round(took * 1000, 1))


def _method(scope: Scope) -> str:
    """One of those there are: whoever asks must not make up labels."""
    return scope["method"] if scope["method"] in _METHODS else "other"


def _route(scope: Scope) -> str:
    if scope["path"].startswith(f"{ASSETS_PATH}/"):
        return ASSETS_PATH
    return str(getattr(scope.get("route"), "path", None) or "unmatched")
