"""``/healthz`` (the process answers) and ``/readyz`` (what it needs answers too)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

import structlog
from fastapi import APIRouter
from fastapi.responses import JSONResponse
from starlette.concurrency import run_in_threadpool

from recoup.errors import RecoupError
from recoup.ledger import Ledger

Check = Callable[[], Awaitable[None]]

_log = structlog.get_logger(__name__)


def health_router(checks: Mapping[str, Check]) -> APIRouter:
    """The two routes; each check raises :class:`RecoupError` where its part does not answer."""
    router = APIRouter()

    @router.get("/healthz")
    async def healthz() -> JSONResponse:
        return JSONResponse({"status": "ok"})

    @router.get("/readyz")
    async def readyz() -> JSONResponse:
        states = await asyncio.gather(*(_state(name, check) for name, check in checks.items()))
        ready = all(states)
        parts = {name: "ok" if state else "away" for name, state in zip(checks, states, strict=True)}
        return JSONResponse({"status": "ready" if ready else "not ready", **parts}, 200 if ready else 503)

    return router


def ledger_check(ledger: Ledger) -> Check:
    """Whether the database answers and its tables fit."""

    async def check() -> None:
        await run_in_threadpool(ledger.check)

    return check


async def _state(name: str, check: Check) -> bool:
    try:
        await check()
    except RecoupError as error:
        _log.warning("not_ready", part=name, reason=str(error))
        return False
    return True
