"""The list of cases: tabs, filters, order, pages, and the same as a file."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from fastapi.responses import Response, StreamingResponse
from starlette.concurrency import run_in_threadpool

from recoup.ledger import CaseRow, Page, Role, Sort, Tab
from recoup.rules.case import Stage
from recoup.rules.declines import DeclineClass
from recoup.rules.money import Money, to_decimal
from recoup.temporal.gateway import TemporalAway
from recoup.web.console.asked_for import AskedFor, asked_for
from recoup.web.console.desk import Desk
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.tables import harmless, line

PAGE = 50
COLUMNS = (
    "case", "invoice", "number", "customer", "subscription", "stage", "outcome", "amount", "currency", "priority",
    "owner", "campaign", "policy_version", "decline_class", "decline_code", "failed_at", "next", "next_at",
    "next_because", "because", "opened_at", "closed_at",
)  # fmt: skip


class Listing:
    """The pages that list cases."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get("/cases", Role.VIEWER, self.cases)
        doors.get("/cases.csv", Role.VIEWER, self.export)

    async def cases(self, visit: Visit) -> Response:
        """One page of one tab."""
        asked = self._asked(visit)
        paused, away = await self._paused()
        found = await run_in_threadpool(self._page, asked, paused)
        open_ = [row.id for row in found.rows if row.is_open]
        stands = await self._desk.stands.of(open_) if open_ and away is None else {}
        return await run_in_threadpool(self._show, visit, asked, found, paused, stands=stands, away=away)

    async def export(self, visit: Visit) -> Response:
        """The whole tab as a file, for a spreadsheet."""
        asked = self._asked(visit)
        paused, _ = await self._paused()
        said = {"tab": asked.tab.value, **asked.given}
        await run_in_threadpool(visit.log, "cases.export", data=said)
        lines = _lines(self._desk.ledger.browsing.all_of(asked.tab, asked.wanted, asked.sort, paused))
        name = f"cases-{asked.tab.value}-{visit.now:%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)

    async def _paused(self) -> tuple[list[str], str | None]:
        """The cases that are paused, which their workflows alone know; or why nobody says."""
        try:
            return await self._desk.stands.at(Stage.PAUSED), None
        except TemporalAway as away:
            return [], str(away)

    def _page(self, asked: AskedFor, paused: list[str]) -> Page:
        after = self._desk.ledger.cases.get(asked.after) if asked.after else None
        return self._desk.ledger.browsing.page(asked.tab, asked.wanted, asked.sort, after, PAGE, paused)

    def _show(self, visit: Visit, asked: AskedFor, found: Page, paused: list[str], **more: Any) -> Response:
        browsing = self._desk.ledger.browsing
        currencies, campaigns = browsing.names()
        return self._desk.show(
            visit,
            "cases",
            asked=asked,
            counts=self._desk.counting.of(asked.wanted, visit.now, paused),
            is_empty=not found.rows and browsing.is_empty(),
            rows=found.rows,
            further=asked.further(found.rows[-1].id) if found.more else None,
            tabs=list(Tab),
            sorts=list(Sort),
            classes=list(DeclineClass),
            currencies=currencies,
            campaigns=campaigns,
            **more,
        )

    def _asked(self, visit: Visit) -> AskedFor:
        return asked_for(visit.query, self._desk.settings.mail.default_timezone)


def _lines(rows: Iterator[CaseRow]) -> Iterator[str]:
    yield line(COLUMNS)
    for row in rows:
        yield line(cells(row))


def cells(row: CaseRow) -> tuple[str, ...]:
    """A case as a row of the file: moments in UTC, the amount in whole units with a point."""
    values = (
        row.id, row.invoice, row.number, row.customer, row.subscription, row.stage, row.outcome, _amount(row),
        row.currency, row.priority, row.assigned_to, row.campaign, row.policy_version, row.decline_class,
        row.decline.code if row.decline else None, row.failed_at.isoformat(), row.next_kind,
        row.next_at.isoformat() if row.next_at else None, row.next_because, row.because,
        row.opened_at.isoformat(), row.closed_at.isoformat() if row.closed_at else None,
    )  # fmt: skip
    return tuple("" if value is None else harmless(str(value)) for value in values)


def _amount(row: CaseRow) -> str:
    try:
        return str(to_decimal(Money(amount=row.amount, currency=row.currency)))
    except ValueError:
        return f"{row.amount} minor units"
