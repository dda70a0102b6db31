"""The web application and the server around it: API, control API and pages on one loopback port."""

from __future__ import annotations

import asyncio
import importlib
import signal
import socket
import threading
from collections.abc import Callable
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from uvicorn.protocols.http.h11_impl import H11Protocol

import recoup.sandbox.resources  # noqa: F401  (registers the endpoints)
from recoup.sandbox import API_VERSION
from recoup.sandbox.control import Control
from recoup.sandbox.http.api import Api, Incoming
from recoup.sandbox.http.routing import router
from recoup.sandbox.sandbox import Sandbox

_LARGEST_BODY = 1_000_000
_connections: dict[tuple[int, int], asyncio.Transport] = {}
"""Open connections by the ports of their two ends."""


class Protocol(H11Protocol):
    """HTTP whose connections can be cut, so that an answer is lost (fault ``lose_answer``)."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        _connections[_ends(transport)] = transport

    def connection_lost(self, exc: Exception | None) -> None:
        _connections.pop(_ends(self.transport), None)
        super().connection_lost(exc)


def build_app(sandbox: Sandbox) -> Starlette:
    """The application of one sandbox; :class:`Server` starts and stops the sandbox around it."""
    api = Api(sandbox, router)

    async def answer(request: Request) -> Response:
        body = await request.body()
        if len(body) > _LARGEST_BODY:
            return JSONResponse(
                {"error": {"type": "invalid_request_error", "message": "Request too large"}}, 413
            )
        incoming = Incoming(
            request.method,
            request.url.path,
            request.url.query,
            request.headers,
            body.decode("utf-8", "replace"),
        )
        result = await run_in_threadpool(api.answer, incoming)
        if result.lost:
            await _cut(request)
        headers = {"Request-Id": incoming.id, "Stripe-Version": API_VERSION}
        if incoming.key:
            headers["Idempotency-Key"] = incoming.key
        if result.replayed:
            headers["Idempotent-Replayed"] = "true"
        return Response(result.body, result.status or 500, headers, "application/json")

    routes: list[BaseRoute] = [Route("/v1/{path:path}", answer, methods=["GET", "POST", "DELETE"])]
    routes += Control(sandbox).routes
    routes += _pages(sandbox)
    app = Starlette(routes=routes)
    app.state.sandbox = sandbox
    return app


class Server:
    """A sandbox behind its port on 127.0.0.1. ``build`` makes the sandbox once the address is known; port 0 takes a free one."""

    def __init__(self, build: Callable[[str], Sandbox], port: int = 0) -> None:
        # With the protocol named, asyncio switches Nagle's algorithm off; without it every answer takes 40 ms longer.
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            self._listener.bind(("127.0.0.1", port))
            self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
            self.sandbox = build(self.address)
        except BaseException:
            self._listener.close()
            raise
        config = uvicorn.Config(
            build_app(self.sandbox),
            http=Protocol,
            log_level="warning",
            lifespan="off",
            timeout_graceful_shutdown=5,
        )
        self._ready = threading.Event()
        self._uvicorn = _Announcing(config, self._ready.set)
        self._thread: threading.Thread | None = None

    def run(self, announce: Callable[[str], None]) -> None:
        """Serve until SIGINT or SIGTERM; ``announce`` gets the address once it answers."""
        for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again once it has stopped
            signal.signal(number, lambda _number, _frame: None)
        self._uvicorn.ready = lambda: announce(self.address)
        self._serve()

    def start(self) -> None:
        """Serve in a thread; returns once it answers."""
        self._thread = threading.Thread(target=self._serve, name="sandbox-server", daemon=True)
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """End the thread that :meth:`start` began."""
        self._uvicorn.should_exit = True
        if self._thread is not None:
            self._thread.join()

    def _serve(self) -> None:
        self.sandbox.start()
        try:
            self._uvicorn.run(sockets=[self._listener])
        finally:
            self.sandbox.stop()
            self._listener.close()


class _Announcing(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, ready: Callable[[], None]) -> None:
        super().__init__(config)
        self.ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready()


async def _cut(request: Request) -> None:
    transport = _connections.get((request.scope["client"][1], request.scope["server"][1]))
    if transport is not None:
        transport.abort()
    await asyncio.sleep(0.05)


def _ends(transport: asyncio.Transport) -> tuple[int, int]:
    return int(transport.get_extra_info("peername")[1]), int(transport.get_extra_info("sockname")[1])


def _pages(sandbox: Sandbox) -> list[BaseRoute]:
    try:
        pages: Any = importlib.import_module("recoup.sandbox.pages")
    except ModuleNotFoundError as error:
        if error.name != "recoup.sandbox.pages":
            raise
        return []
    routes = getattr(pages, "routes", None)
    return list(routes(sandbox)) if routes else []
