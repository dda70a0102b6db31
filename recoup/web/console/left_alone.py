"""Customers who are left alone, whether or not they have a case: the list of them, and the page on which one is excluded, or no more."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from urllib.parse import quote

from fastapi.responses import JSONResponse, RedirectResponse, Response
from starlette.concurrency import run_in_threadpool

from recoup.errors import ConnectionFailed, RecoupError
from recoup.ledger import CaseRow, ExclusionRow, Result, Role
from recoup.temporal.excluding import Exclusion, exclude
from recoup.web.console.acts import LONGEST_REASON
from recoup.web.console.desk import Desk, back_to
from recoup.web.console.doors import Doors, Visit
from recoup.web.console.stripe_view import Customer, NoSuchCustomer
from recoup.web.console.tables import Column, as_file, sheet

PATH = "/excluded"
_ID = re.compile(r"[A-Za-z0-9_-]{1,255}")

COLUMNS: tuple[Column[ExclusionRow], ...] = (
    Column("customer", lambda row: row.customer),
    Column("since", lambda row: row.excluded_at),
    Column("by", lambda row: row.actor),
    Column("why", lambda row: row.because),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a customer who is to be left alone, or is."""

    id: str
    exclusion: ExclusionRow | None
    open: tuple[CaseRow, ...]
    """Their open cases, which end when they are excluded."""
    at_stripe: Customer | None = None
    away: str | None = None
    """Why Stripe does not say who it is."""
    is_unknown: bool = False
    """Stripe has nobody of this id: it would leave nobody alone."""


class LeftAlone:
    """The routes about them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def add_to(self, doors: Doors) -> None:
        """Add the routes."""
        doors.get(PATH, Role.VIEWER, self.listed)
        doors.get(f"{PATH}.csv", Role.VIEWER, self.export)
        doors.get(f"{PATH}/{{customer}}", Role.OPERATOR, self.ask)
        doors.post(f"{PATH}/{{customer}}", Role.OPERATOR, self.act)
        doors.post("/api/v1/customers/{customer}/exclude", Role.OPERATOR, self.exclude_by_program)
        doors.post("/api/v1/customers/{customer}/take-back", Role.OPERATOR, self.take_back_by_program)

    def listed(self, visit: Visit) -> Response:
        """All of them; and the way to somebody else, by their id."""
        asked = visit.query.get("customer", "").strip()
        if asked and _ID.fullmatch(asked):
            return RedirectResponse(f"{PATH}/{quote(asked)}", 303)
        table = sheet(self._rows(visit), COLUMNS, visit.query, PATH, first="-since", filters=("q",))
        return self._desk.show(
            visit, "excluded", table=table, q=visit.query.get("q", ""), wrong=bool(asked),
            may_act=visit.may(Role.OPERATOR),
        )  # fmt: skip

    def export(self, visit: Visit) -> Response:
        """The list as a file."""
        visit.log("excluded.export")
        return as_file(f"excluded-{visit.now:%Y-%m-%d}", COLUMNS, self._rows(visit))

    def _rows(self, visit: Visit) -> list[ExclusionRow]:
        wanted = visit.query.get("q", "").strip().casefold()
        rows = self._desk.ledger.exclusions.standing()
        return [row for row in rows if wanted in f"{row.customer} {row.actor} {row.because}".casefold()]

    def ask(self, visit: Visit) -> Response:
        """Who it is, and what excluding them, or taking it back, means."""
        return self._page(visit)

    async def act(self, visit: Visit) -> Response:
        """Exclude the customer, or take it back where they are excluded."""
        customer, reason = visit.path["customer"], _reason(visit)
        known = await run_in_threadpool(self._known, customer)
        if known is None or known.is_unknown or not reason:
            return await run_in_threadpool(self._page, visit, status=400)
        if visit.form.get("word") == "take_back":
            await run_in_threadpool(self._take_back, visit, customer, reason)
            return back_to(f"{PATH}/{quote(customer)}", "take_back")
        try:
            await self._exclude(visit, customer, reason)
        except ConnectionFailed as away:
            return await run_in_threadpool(self._page, visit, status=503, problem=str(away))
        return back_to(f"{PATH}/{quote(customer)}", "exclude")

    async def exclude_by_program(self, visit: Visit) -> Response:
        """The same for programs; ``changed`` says whether the customer was not excluded before."""
        customer, reason = visit.path["customer"], _reason(visit)
        if not reason:
            return JSONResponse({"error": "missing, or cannot be read: reason"}, 400)
        known = await run_in_threadpool(self._known, customer)
        if known is None or known.is_unknown:
            return JSONResponse({"error": "there is no such customer"}, 404)
        try:
            changed = await self._exclude(visit, customer, reason)
        except ConnectionFailed as away:
            return JSONResponse({"error": str(away)}, 503)
        return JSONResponse({"customer": customer, "changed": changed})

    def take_back_by_program(self, visit: Visit) -> Response:
        """The same for programs; ``changed`` says whether the customer was excluded."""
        customer, reason = visit.path["customer"], _reason(visit)
        if not reason:
            return JSONResponse({"error": "missing, or cannot be read: reason"}, 400)
        return JSONResponse({"customer": customer, "changed": self._take_back(visit, customer, reason)})

    async def _exclude(self, visit: Visit, customer: str, reason: str) -> bool:
        request = visit.form.get("request") or secrets.token_urlsafe(12)
        wanted = Exclusion(customer, visit.user.name, reason, f"console-{request[:60]}")
        try:
            became = await exclude(self._desk.ledger, self._desk.cases, wanted, visit.now)
        except ConnectionFailed as away:
            await run_in_threadpool(
                visit.log,
                "customer.exclude",
                subject=customer,
                reason=reason,
                result=Result.FAILED,
                because=str(away),
            )
            raise
        if became.changed or became.told:
            data = {"cases": became.told}
            await run_in_threadpool(visit.log, "customer.exclude", subject=customer, reason=reason, data=data)
        return became.changed

    def _take_back(self, visit: Visit, customer: str, reason: str) -> bool:
        who = {"actor": visit.user.name, "because": reason}
        changed = self._desk.ledger.exclusions.take_back(customer, visit.now, **who)
        if changed:
            visit.log("customer.take_back", subject=customer, reason=reason)
        return changed

    def _page(self, visit: Visit, *, status: int = 200, problem: str | None = None) -> Response:
        known = self._known(visit.path["customer"])
        if known is None:
            return self._desk.refused(visit, 404, "customer")
        return self._desk.show(
            visit, "exclude", status=status, known=known, problem=problem, reason=_reason(visit),
            wrong=status == 400 and not _reason(visit),
            request=visit.form.get("request") or secrets.token_urlsafe(12),
        )  # fmt: skip

    def _known(self, customer: str) -> Known | None:
        if not _ID.fullmatch(customer):
            return None
        ledger = self._desk.ledger
        found = Known(
            customer, ledger.exclusions.of(customer), tuple(ledger.cases.open_of_customer(customer))
        )
        try:
            return Known(customer, found.exclusion, found.open, self._desk.customers.customer(customer))
        except NoSuchCustomer as unknown:
            return Known(customer, found.exclusion, found.open, away=str(unknown), is_unknown=True)
        except RecoupError as away:
            return Known(customer, found.exclusion, found.open, away=str(away))


def _reason(visit: Visit) -> str:
    return visit.form.get("reason", "").strip()[:LONGEST_REASON]
