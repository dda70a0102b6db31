"""Serving an app over HTTP until the process is told to stop."""

from __future__ import annotations

import asyncio
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import structlog
import uvicorn
from fastapi.telemetry import TelemetryConfig
from starlette.types import ASGIApp

from recoup.errors import ConnectionFailed

GRACE_SECONDS = 15
"""How long requests under way may take after the word to stop."""
KEEP_ALIVE_SECONDS = 75
"""Longer than the proxies in front usually keep a connection, so that none is closed under a request."""

UNTRACED: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False, "auto_configure": False}
"""Keeps FastAPI from tracing by itself: its spans have the whole path, and in ours stand the secrets of customers' links."""

_log = structlog.get_logger(__name__)


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Leave signals to :func:`serve`: uvicorn would end a process that stopped in good order by the signal itself."""
        yield


async def serve(app: ASGIApp, host: str, port: int, at_stop: Callable[[], None] = lambda: None) -> None:
    """Serve until SIGTERM or SIGINT, then finish what is under way. Port 0 takes a free one; the log says which.

    ``at_stop`` ends what would otherwise stay open for as long as a browser likes.

    Raises:
        ConnectionFailed: the address cannot be listened on.
    """
    listener = _listen(host, port)
    config = uvicorn.Config(
        app,
        access_log=False,  # its lines would hold tokens; AccessLog writes ours
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    server = _Server(config)

    def stop(name: signal.Signals) -> None:
        at_stop()
        server.handle_exit(name, None)

    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop, name)
    _log.info("listening", host=host, port=listener.getsockname()[1])
    await server.serve(sockets=[listener])


def _listen(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        listener = socket.socket(family, kind, protocol)
    except OSError as error:
        raise _cannot_listen(host, port, error) from error
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(address)
    except OSError as error:
        listener.close()
        raise _cannot_listen(host, port, error) from error
    return listener


def _cannot_listen(host: str, port: int, error: OSError) -> ConnectionFailed:
    return ConnectionFailed(
        f"Nothing can be served at {host}:{port}: {error.strerror}; choose another host or port"
    )
