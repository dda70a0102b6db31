"""The console in this process over a ledger of its own; what stands around it answers at once and with nothing."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from fastapi.testclient import TestClient

from activities.contracts import CaseView, WhatWillHappen
from bench._processes import ROOT
from bench.filling import END
from recoup.billing import stripe_client
from recoup.ledger import Ledger, Role
from recoup.policy.file import load_policy
from recoup.rules.base import Wire
from recoup.rules.case import Stage
from recoup.settings import load_settings
from recoup.temporal.gateway import TemporalAway
from recoup.temporal.standing import Standing
from recoup.web.console.app import assemble_console
from recoup.web.console.outlook import StripeOutlook
from recoup.web.console.sessions import hash_of
from recoup.web.console.stripe_view import Collecting, Customer
from recoup.web.stripe_side import StripeAway

ADDRESS = "https://console.acme.example"
USER = "bench"


class HandClock:
    """Stands at the end of the story until somebody moves it on."""

    def __init__(self) -> None:
        self._now = END

    def now(self) -> datetime:
        """The moment at which it stands."""
        return self._now

    def move_on(self, by: timedelta) -> None:
        """Let so much time pass."""
        self._now += by


class _Temporal:
    """Knows no case, and nothing that comes."""

    async def update(
        self, case: str, name: str, payload: Wire, *, request: str | None = None
    ) -> WhatWillHappen:
        raise TemporalAway("there is none in the bench")

    async def view(self, case: str) -> CaseView | None:
        return None

    async def of(self, cases: Iterable[str]) -> dict[str, Standing]:
        return {}

    async def at(self, stage: Stage) -> list[str]:
        return []

    async def due(self, until: datetime) -> list[Standing]:
        return []

    async def workers(self) -> int:
        return 1

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        raise TemporalAway("there is none in the bench")


class _Stripe:
    """Is away."""

    def customer(self, customer: str) -> Customer:
        raise StripeAway("there is none in the bench")

    def collecting(self, invoice: str) -> Collecting:
        raise StripeAway("there is none in the bench")


@contextmanager
def console(address: str, place: Path, clock: HandClock) -> Iterator[TestClient]:
    """A browser that is logged in, for a day of this clock."""
    settings = load_settings(
        stripe={"api_key": "sk_test_of_the_bench"},
        mail={"company": "Acme", "outbox": place / "outbox"},
        console={"public_url": ADDRESS},
        database_url=address,
        policy_file=ROOT / "policy.yaml",
        link_secrets=["a secret for the links of the bench"],
    )
    ledger, temporal = Ledger.connect(address), _Temporal()

    async def wake(_: str) -> bool:
        return False

    if ledger.console.user(USER) is None:
        ledger.console.add_user(USER, Role.ADMIN, "nobody logs in with it", END)
    secret = secrets.token_urlsafe(32)
    ledger.console.open_session(hash_of(secret), USER, END, END + timedelta(days=1))
    policy = load_policy(settings.policy_file)
    outlook = StripeOutlook(settings, stripe_client(settings.stripe), ledger, clock)
    app = assemble_console(settings, ledger, temporal, temporal, _Stripe(), clock, policy, outlook, wake)
    with TestClient(app, base_url=ADDRESS, follow_redirects=False) as browser:
        browser.cookies.set("__Host-recoup", secret)
        yield browser
