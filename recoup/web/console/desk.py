"""What all pages of the console share: the systems behind them, and how a page is made."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol
from urllib.parse import quote

from fastapi.responses import HTMLResponse, RedirectResponse, Response

from activities.contracts import CaseView, WhatWillHappen
from recoup.clock import Clock
from recoup.ledger import CaseRow, Ledger
from recoup.policy.file import LoadedPolicy
from recoup.rules.base import Wire
from recoup.rules.case import Stage
from recoup.settings import Settings
from recoup.temporal.standing import Standing
from recoup.web.console.counting import Counting
from recoup.web.console.doors import Visit
from recoup.web.console.outlook import Outlook
from recoup.web.console.sessions import Sessions
from recoup.web.console.stripe_view import Customers
from recoup.web.console.writing import Writing
from recoup.web.customer import accepted
from recoup.web.pages import SCRIPTED, TEMPLATES, Pages, page

HTMX = "vendor/htmx-2.0.11.min.js"


class Cases(Protocol):
    """The part of :class:`recoup.temporal.gateway.CaseGateway` that the console needs."""

    async def update(
        self, case: str, name: str, payload: Wire, *, request: str | None = None
    ) -> WhatWillHappen:
        """Give an operator's word to a case; the same request again is the same word."""
        ...

    async def view(self, case: str) -> CaseView | None:
        """The case as it sees itself."""
        ...

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        """Signal a case; False when it is over or unknown."""
        ...


class Stands(Protocol):
    """Where open cases stand, as :class:`recoup.temporal.standing.Standings` asks Temporal's index."""

    async def of(self, cases: Iterable[str]) -> dict[str, Standing]:
        """Where these cases stand."""
        ...

    async def at(self, stage: Stage) -> list[str]:
        """The open cases of a stage."""
        ...

    async def due(self, until: datetime) -> list[Standing]:
        """Open cases that do something by a moment, the soonest first."""
        ...

    async def workers(self) -> int:
        """How many workers ask for work."""
        ...


@dataclass(frozen=True)
class Desk:
    """The systems behind the console."""

    settings: Settings
    ledger: Ledger
    cases: Cases
    stands: Stands
    customers: Customers
    policy: LoadedPolicy
    pages: Pages
    sessions: Sessions
    clock: Clock
    outlook: Outlook
    wake: Callable[[str], Awaitable[bool]]
    """Has a destination look now for what it should deliver; False where no worker carries its deliveries."""

    @cached_property
    def counting(self) -> Counting:
        """How many cases each tab has."""
        return Counting(self.ledger)

    @cached_property
    def mode(self) -> str:
        """Whose money this is: ``live``, ``test``, or ``sandbox`` on this machine."""
        if self.settings.stripe.api_base:
            return "sandbox"
        return "live" if "_live_" in self.settings.stripe.api_key.get_secret_value() else "test"

    def writing(self, visit: Visit) -> Writing:
        """How this reader's amounts and moments are written."""
        locale = self._language(visit).locale
        return Writing(locale, self.settings.mail.default_timezone, visit.now)

    def show(self, visit: Visit, name: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """One page for this reader."""
        shared: dict[str, Any] = {
            "me": visit.identity.user if visit.identity else None,
            "token": visit.token,
            "say": self.writing(visit),
            "company": self.settings.mail.company,
            "mode": self.mode,
            "here": visit.request.url.path,
            "refresh": self.settings.console.refresh_seconds,
            "htmx": HTMX,
            "slug": slug,
            "said": visit.query.get("said"),
            "waiting": self.ledger.browsing.waiting() if visit.identity else 0,
        }
        html = self.pages.html(name, self._language(visit), shared | values)
        return page(html, status, policy=SCRIPTED)

    def refused(self, visit: Visit, status: int, because: str) -> Response:
        """The page that says no."""
        return self.show(visit, "refused", status=status, because=because, status_code=status)

    def links(self, row: CaseRow) -> dict[str, str | None]:
        """Where else the case can be looked at: Stripe's dashboard, the Temporal UI."""
        stripe = {"live": "https://dashboard.stripe.com", "test": "https://dashboard.stripe.com/test"}.get(
            self.mode
        )
        temporal, ui = self.settings.temporal, self.settings.temporal.ui_url
        workflow = f"/namespaces/{quote(temporal.namespace)}/workflows/{quote(row.workflow_id, safe='')}"
        return {
            "invoice": f"{stripe}/invoices/{row.invoice}" if stripe else None,
            "customer": f"{stripe}/customers/{row.customer}" if stripe else None,
            "subscription": f"{stripe}/subscriptions/{row.subscription}"
            if stripe and row.subscription
            else None,
            "workflow": ui.rstrip("/") + workflow if ui else None,
        }

    def _language(self, visit: Visit) -> Any:
        return self.pages.language(accepted(visit.request.headers.get("accept-language")))


def console_pages(settings: Settings) -> Pages:
    """The pages of the console; an operator's own templates (``console/`` in ``mail.templates``) are asked first."""
    return Pages(settings.mail.templates, "en", TEMPLATES / "console")


def slug(case_id: str) -> str:
    """A case's id as one part of an address: the returns of an invoice have a slash in theirs."""
    return quote(case_id.replace("/", "~"), safe="~")


def case_of(part: str) -> str:
    """The id that a part of an address stands for."""
    return part.replace("~", "/")


def back_to(path: str, said: str | None = None) -> Response:
    """The way to the page that shows what was done."""
    return RedirectResponse(f"{path}?said={quote(said)}" if said else path, 303)
