"""The first page: whether everything works, what needs a person, and what comes next."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi.responses import Response
from starlette.concurrency import run_in_threadpool

from recoup.errors import RecoupError
from recoup.ledger import CaseFilter, CaseRow, Role, Sort, Tab
from recoup.rules.step import Step
from recoup.temporal.gateway import TemporalAway
from recoup.temporal.standing import Standing
from recoup.web.console.desk import Desk
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.recovering import Recovering

SOON, LATER = timedelta(hours=24), timedelta(days=7)
QUEUE = 8
EXPLAINED = 12
"""Of so many cases the next step is asked for with its reason; the index knows dates alone."""
SILENT = timedelta(hours=24)
"""Stripe delivers something every day where anybody is billed."""


@dataclass(frozen=True, slots=True)
class Coming:
    """What a case does soon."""

    row: CaseRow
    at: datetime
    step: Step | None


@dataclass(frozen=True, slots=True)
class Health:
    """Whether the parts around the console work."""

    webhooks_at: datetime | None
    webhooks_silent: bool
    workers: int | None
    """None: Temporal does not answer."""
    mail: str
    texts: str
    destinations: int
    accounts: int


class Home:
    """The route of the first page."""

    def __init__(self, desk: Desk, recovering: Recovering) -> None:
        self._desk, self._recovering = desk, recovering

    def add_to(self, doors: Doors) -> None:
        """Add the route."""
        doors.get("/", Role.VIEWER, self.show)

    async def show(self, visit: Visit) -> Response:
        """All of it; without Temporal what the ledger has."""
        health, (due, away) = await asyncio.gather(self._health(visit), self._due(visit.now))
        first = due[:EXPLAINED]
        rows = await run_in_threadpool(self._rows, due)
        steps = dict(zip([each.case for each in first], await self._steps(first), strict=True))
        coming = [
            Coming(rows[each.case], each.next_at, steps.get(each.case))
            for each in due
            if each.case in rows and each.next_at is not None
        ]
        soon = [each for each in coming if each.at <= visit.now + SOON]
        return await run_in_threadpool(self._show, visit, health, soon, coming[len(soon) :], away)

    def _show(
        self, visit: Visit, health: Health, soon: list[Coming], later: list[Coming], away: str | None
    ) -> Response:
        browsing = self._desk.ledger.browsing
        counts = self._desk.counting.of(CaseFilter(), visit.now)
        queue = browsing.page(Tab.PERSON, CaseFilter(), Sort.PRIORITY, limit=QUEUE)
        return self._desk.show(
            visit,
            "home",
            health=health,
            kpis=self._recovering.at_hand(visit.now),
            queue=queue,
            counts=counts,
            soon=soon,
            later=later,
            away=away,
            tabs=list(Tab),
        )

    async def _health(self, visit: Visit) -> Health:
        try:
            workers: int | None = await self._desk.stands.workers()
        except TemporalAway:
            workers = None
        return await run_in_threadpool(self._recorded, visit, workers)

    def _recorded(self, visit: Visit, workers: int | None) -> Health:
        last, settings = self._desk.ledger.webhooks.last_at(), self._desk.settings
        return Health(
            webhooks_at=last,
            webhooks_silent=last is None or visit.now - last > SILENT,
            workers=workers,
            mail=settings.mail.kind,
            texts=settings.sms.kind,
            destinations=len(settings.integrations.destinations),
            accounts=len(self._desk.ledger.console.users()),
        )

    async def _due(self, now: datetime) -> tuple[list[Standing], str | None]:
        try:
            return await self._desk.stands.due(now + LATER), None
        except TemporalAway as away:
            return [], str(away)

    def _rows(self, due: Iterable[Standing]) -> dict[str, CaseRow]:
        found = self._desk.ledger.browsing.named([each.case for each in due])
        return {name: row for name, row in found.items() if row.is_open}

    async def _steps(self, first: list[Standing]) -> list[Step | None]:
        return list(await asyncio.gather(*(self._step(each.case) for each in first)))

    async def _step(self, case: str) -> Step | None:
        try:
            view = await self._desk.cases.view(case)
        except RecoupError:
            return None
        return view.next if view is not None else None
