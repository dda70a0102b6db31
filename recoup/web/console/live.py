"""Live pages: an open page is told when something has happened, and brings itself up to date then (server-sent events)."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import timedelta

from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from recoup.errors import RecoupError
from recoup.ledger import CaseRow, Role
from recoup.web.console.desk import Desk, case_of
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.sessions import LIVE

LOOKS_EVERY = 1.0
"""Seconds between two looks at the ledger for each open page: one indexed number."""
AND_AGAIN_AFTER = 3.0
"""Seconds after news: where cases stand is asked of Temporal's own index, which hears of it a little later."""
LASTS = timedelta(minutes=10)
"""A browser connects again by itself; so none is held for ever, whatever became of it."""


class Live:
    """The route that tells open pages."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._over = False

    def add_to(self, doors: Doors) -> None:
        """Add the route."""
        doors.get(LIVE, Role.VIEWER, self.follow)

    def end(self) -> None:
        """The process is told to stop: connections that wait must not keep it."""
        self._over = True

    async def follow(self, visit: Visit) -> Response:
        """A connection for a case's page, or for the first page and lists."""
        case = visit.query.get("case")
        row = await run_in_threadpool(self._desk.ledger.cases.get, case_of(case)) if case else None
        if (case and row is None) or visit.request.method == "HEAD":
            return Response(status_code=404 if case and row is None else 204)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(self._told(visit, row), media_type="text/event-stream", headers=headers)

    async def _told(self, visit: Visit, row: CaseRow | None) -> AsyncIterator[str]:
        yield "retry: 3000\n\n"
        loop = asyncio.get_running_loop()
        began = told_at = loop.time()
        known, again = await self._latest(row), 0.0
        while not self._over and loop.time() - began < LASTS.total_seconds():
            await asyncio.sleep(LOOKS_EVERY)
            if await run_in_threadpool(visit.sessions.of, visit.request) is None:
                yield "event: over\ndata: the session has ended\n\n"
                return
            latest = await self._latest(row)
            now, news = loop.time(), latest != known
            # What only time changes, and what was committed late, is seen without news, too.
            overdue = now - told_at >= (self._desk.settings.console.refresh_seconds or math.inf)
            if news or overdue or 0 < again <= now:
                again = now + AND_AGAIN_AFTER if news else 0.0
                known, told_at = latest, now
                yield f"event: changed\ndata: {latest}\n\n"

    async def _latest(self, row: CaseRow | None) -> int:
        """The newest that was written down of this case's customer, or of anybody."""
        try:
            return await run_in_threadpool(self._desk.ledger.events.latest, row.customer if row else None)
        except RecoupError:  # the page itself will say that the database is away
            return -1
