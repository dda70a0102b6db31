"""The list of cases: tabs, filters, order, pages, and the same as a file."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator

from fastapi.responses import Response, StreamingResponse

from recoup.ledger import CaseFilter, CaseRow, Role, Sort, Tab
from recoup.rules.declines import DeclineClass
from recoup.rules.money import Money, to_decimal
from recoup.web.console.asked_for import AskedFor, asked_for
from recoup.web.console.desk import Desk
from recoup.web.console.doors import Doors, Visit

PAGE = 50
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
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

    def cases(self, visit: Visit) -> Response:
        """One page of one tab."""
        asked, browsing = self._asked(visit), self._desk.ledger.browsing
        after = self._desk.ledger.cases.get(asked.after) if asked.after else None
        found = browsing.page(asked.tab, asked.wanted, asked.sort, after, PAGE)
        currencies, campaigns = browsing.names()
        return self._desk.show(
            visit,
            "cases",
            asked=asked,
            counts=browsing.counts(asked.wanted),
            everything=browsing.counts(CaseFilter())[Tab.ALL],
            rows=found.rows,
            further=asked.further(found.rows[-1].id) if found.more else None,
            tabs=list(Tab),
            sorts=list(Sort),
            classes=list(DeclineClass),
            currencies=currencies,
            campaigns=campaigns,
        )

    def export(self, visit: Visit) -> Response:
        """The whole tab as a file, for a spreadsheet."""
        asked = self._asked(visit)
        visit.log("cases.export", data={"tab": asked.tab.value, **asked.given})
        lines = _lines(self._desk.ledger.browsing.all_of(asked.tab, asked.wanted, asked.sort))
        name = f"cases-{asked.tab.value}-{visit.now:%Y-%m-%d}.csv"
        headers = {"Content-Disposition": f'attachment; filename="{name}"'}
        return StreamingResponse(lines, media_type="text/csv; charset=utf-8", headers=headers)

    def _asked(self, visit: Visit) -> AskedFor:
        return asked_for(visit.query, self._desk.settings.mail.default_timezone)


def _lines(rows: Iterator[CaseRow]) -> Iterator[str]:
    yield _line(COLUMNS)
    for row in rows:
        yield _line(cells(row))


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


def harmless(text: str) -> str:
    """The text as no spreadsheet takes for a formula: OWASP, "CSV Injection" (owasp.org)."""
    return f"'{text}" if text.startswith(_FORMULA) else text


def _amount(row: CaseRow) -> str:
    try:
        return str(to_decimal(Money(amount=row.amount, currency=row.currency)))
    except ValueError:
        return f"{row.amount} minor units"


def _line(values: tuple[str, ...]) -> str:
    out = io.StringIO()
    csv.writer(out).writerow(values)
    return out.getvalue()
