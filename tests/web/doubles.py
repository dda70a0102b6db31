"""Stand-ins at the edges of the web process: a clock that stands, a Temporal and a Stripe that remember and can be away."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from activities.contracts import CardUpdated, StartCase, WhatWillHappen
from activities.wish_contracts import Wish, WishResult
from recoup.billing.plans import Plan
from recoup.rules.base import Wire
from recoup.rules.case import Stage
from recoup.rules.money import Money
from recoup.rules.step import Step, StepKind
from recoup.temporal.gateway import TemporalAway, UpdateRefused
from recoup.temporal.ids import case_id
from recoup.web.stripe_side import OpenInvoice, Owing, StripeAway, Subscribed

NOW = datetime(2026, 11, 22, 9, 0, tzinfo=UTC)


class StandingClock:
    """Stands until it is moved."""

    def __init__(self, at: datetime = NOW) -> None:
        self.at = at

    def now(self) -> datetime:
        """The moment it stands at."""
        return self.at

    def move(self, **span: float) -> None:
        """Go forward."""
        self.at += timedelta(**span)


@dataclass
class FakeGateway:
    """Remembers what was begun and told; a case begun twice runs once, as Temporal keeps it."""

    away: bool = False
    begun: dict[str, StartCase] = field(default_factory=dict)
    asked_to_begin: list[str] = field(default_factory=list)
    about: dict[str, dict[str, Any]] = field(default_factory=dict)
    over: set[str] = field(default_factory=set)
    """Cases that ran and ended by themselves."""
    unheard: set[str] = field(default_factory=set)
    told: list[tuple[str, str, Wire]] = field(default_factory=list)
    updates: list[CardUpdated] = field(default_factory=list)
    words: list[tuple[str, str, Any]] = field(default_factory=list)
    """The updates that cases were given."""
    refusing: set[str] = field(default_factory=set)
    """Cases that refuse whatever they are given."""
    wishes: list[Wish] = field(default_factory=list)
    slow: bool = False
    """Whether wishes are accepted and take longer than anybody waits."""
    fulfil: Callable[[Wish], bool] = lambda _: True
    """What carries a wish out; whether it could be done."""

    async def update(self, case: str, name: str, payload: Wire) -> WhatWillHappen:
        self._here()
        if case in self.refusing:
            raise UpdateRefused(f"The case {case} refused {name}")
        self.words.append((case, name, payload))
        step = Step(kind=StepKind.ATTEMPT, due_at=NOW, because="it was promised")
        return WhatWillHappen(stage=Stage.WAITING, next=step)

    async def wish(self, wish: Wish) -> WishResult | None:
        self._here()
        self.wishes.append(wish)
        if self.slow:
            return None
        return WishResult(at=wish.at, done=self.fulfil(wish), because="the test says so")

    async def begin(
        self,
        start: StartCase,
        *,
        customer: str | None = None,
        subscription: str | None = None,
        due: Money | None = None,
    ) -> bool:
        self._here()
        case = case_id(start.invoice, start.return_number)
        self.asked_to_begin.append(case)
        if case in self.over:
            return False
        self.begun.setdefault(case, start)
        self.about.setdefault(case, {"customer": customer, "subscription": subscription, "due": due})
        return True

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        self._here()
        if case in self.unheard:
            return False
        self.told.append((case, signal, payload))
        return True

    async def card_updated(self, update: CardUpdated) -> None:
        self._here()
        self.updates.append(update)

    async def check(self) -> None:
        self._here()

    @property
    def signals(self) -> list[tuple[str, str]]:
        """Which case was told what."""
        return [(case, signal) for case, signal, _ in self.told]

    def _here(self) -> None:
        if self.away:
            raise TemporalAway("Temporal cannot be reached")


@dataclass
class FakeBilling:
    """A Stripe of one customer."""

    away: bool = False
    locale: str | None = None
    """The customer's language; several with commas between them."""
    timezone: str | None = None
    invoices: tuple[OpenInvoice, ...] = ()
    charges: dict[str, str] = field(default_factory=dict)
    failed_renewals: set[str] = field(default_factory=set)
    portals: list[tuple[str, str, str]] = field(default_factory=list)
    subscribed: tuple[Subscribed, ...] = ()
    plans: dict[str, Plan] = field(default_factory=dict)

    def owing(self, customer: str) -> Owing:
        self._here()
        return Owing(
            locales=tuple(self.locale.split(",")) if self.locale else (),
            timezone=self.timezone,
            invoices=self.invoices,
        )

    def portal_address(self, customer: str, *, back: str, done: str) -> str:
        self._here()
        self.portals.append((customer, back, done))
        return f"https://billing.stripe.example/session/{len(self.portals)}"

    def subscriptions(self, customer: str) -> tuple[Subscribed, ...]:
        self._here()
        return self.subscribed

    def plan(self, price: str) -> Plan | None:
        self._here()
        return self.plans.get(price)

    def customer_of_charge(self, charge: str) -> str | None:
        self._here()
        return self.charges.get(charge)

    def has_failed_renewal(self, customer: str) -> bool:
        self._here()
        return customer in self.failed_renewals

    def _here(self) -> None:
        if self.away:
            raise StripeAway("Stripe could not be reached")


def open_invoice(id_: str = "in_1", amount: int = 123450, currency: str = "pln", **more: Any) -> OpenInvoice:
    """An invoice that is still to be paid."""
    values: dict[str, Any] = {
        "id": id_,
        "number": f"ACME-{id_}",
        "description": "Team plan, monthly",
        "due": Money(amount=amount, currency=currency),
        "pay_url": f"https://invoice.stripe.example/{id_}",
        "subscription": "sub_1",
    }
    return OpenInvoice(**(values | more))
