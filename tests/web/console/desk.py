"""A console over a real ledger, with a Temporal that answers from the rules and a Stripe of one customer."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cache
from html import unescape
from typing import Any, Literal

from fastapi.testclient import TestClient
from httpx2 import Response

from activities.contracts import CaseView, WhatWillHappen
from activities.people_contracts import Running
from activities.previewing import Letter, Written
from recoup.billing.customers import Contact
from recoup.billing.invoices import Method
from recoup.ledger import CaseRow, Ledger, Role
from recoup.messages import compose, sample_facts
from recoup.moving import Move, move_for
from recoup.policy.file import LoadedPolicy
from recoup.rules.base import Wire
from recoup.rules.case import Case, Stage
from recoup.rules.channels import Channel
from recoup.rules.conversation import YES, Answer
from recoup.rules.declines import Decline
from recoup.rules.foreseeing import Asked, foresee
from recoup.rules.money import Money
from recoup.rules.policy import Campaign
from recoup.rules.segments import Facts
from recoup.rules.steps import Step, next_step
from recoup.temporal.gateway import TemporalAway, UpdateRefused
from recoup.temporal.standing import Standing
from recoup.web.console import hashed
from recoup.web.console.stripe_view import Collecting, Customer, NoSuchCustomer, PaymentMethod
from recoup.web.notice.words import Words
from recoup.web.stripe_side import OpenInvoice, StripeAway
from tests.web.doubles import NOW, StandingClock

PASSWORD = "correct horse battery"
ADDRESS = "https://console.acme.example"


@dataclass
class FakeCases:
    """Cases that answer as the rules have it, and remember what they were told."""

    ledger: Ledger
    clock: StandingClock
    away: bool = False
    told: dict[str, tuple[str, str, Any]] = field(default_factory=dict)
    """By the request: the case, the word, and what came with it."""
    changes: dict[str, Any] = field(default_factory=dict)
    """What the case is beyond its beginning."""
    signals: list[tuple[str, str, Any]] = field(default_factory=list)
    """What cases heard without being asked."""

    async def update(
        self, case: str, name: str, payload: Wire, *, request: str | None = None
    ) -> WhatWillHappen:
        self._here()
        data = payload.model_dump()
        asked = Asked(word=name, **{key: data[key] for key in set(data) & set(Asked.model_fields)})
        seen = foresee(self.case(case), asked, self.clock.now())
        if seen.refused:
            raise UpdateRefused(f"The case {case} refused {name}: {seen.refused}")
        self.told[str(request)] = (case, name, payload)
        return WhatWillHappen(stage=seen.stage, next=seen.next, asked=seen.asked)

    async def view(self, case: str) -> CaseView | None:
        self._here()
        found, now = self.case(case), self.clock.now()
        return CaseView(case=found, next=next_step(found, found.campaign, now), now=now, waiting=True)

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        self._here()
        self.signals.append((case, signal, payload))
        return True

    async def check(self) -> None:
        self._here()

    def case(self, case: str) -> Case:
        """The case as it stands."""
        row = self.ledger.cases.get(case)
        assert row is not None
        begun = Case(
            id=row.id, invoice=row.invoice, customer=row.customer, subscription=row.subscription,
            due=Money(amount=row.amount, currency=row.currency), failed_at=row.failed_at,
            campaign=Campaign.model_validate(row.policy), decline=Decline(code="insufficient_funds", brand="visa"),
            payment_method="pm_1", priority=row.priority,
        )  # fmt: skip
        return begun.model_copy(update=self.changes)

    def _here(self) -> None:
        if self.away:
            raise TemporalAway("Temporal cannot be reached")


@dataclass
class FakeStands:
    """A Temporal index that says what it was given."""

    away: bool = False
    stands: dict[str, Standing] = field(default_factory=dict)
    working: int = 1

    async def of(self, cases: Iterable[str]) -> dict[str, Standing]:
        self._here()
        return {case: self.stands[case] for case in cases if case in self.stands}

    async def at(self, stage: Stage) -> list[str]:
        self._here()
        return [case for case, stand in self.stands.items() if stand.stage is stage]

    async def due(self, until: datetime) -> list[Standing]:
        self._here()
        dated = [(stand.next_at, stand) for stand in self.stands.values() if stand.next_at is not None]
        return [stand for at, stand in sorted(dated, key=lambda pair: pair[0]) if at <= until]

    async def workers(self) -> int:
        self._here()
        return self.working

    def _here(self) -> None:
        if self.away:
            raise TemporalAway("Temporal cannot be reached")


@dataclass
class FakeCustomers:
    """A Stripe of one customer."""

    away: bool = False
    unknown: bool = False
    name: str = "Anna"
    asked: list[str] = field(default_factory=list)

    def customer(self, customer: str) -> Customer:
        self._here()
        if self.unknown:
            raise NoSuchCustomer(f"Stripe has no customer {customer}: look at the id")
        self.asked.append(customer)
        invoice = OpenInvoice("in_1", "AC-1", "Team plan", Money(amount=123450, currency="pln"), None)
        method = PaymentMethod("pm_1", "card", "visa", "4242", 3, 2027, is_default=True)
        return Customer(Contact(name=self.name, email="anna@acme.example"), (invoice,), (method,))

    def collecting(self, invoice: str) -> Collecting:
        self._here()
        method = Method(id="pm_1", brand="visa", fingerprint="fp_1", version="pm_1/2027-3")
        return Collecting(method, Money(amount=123450, currency="pln"))

    def _here(self) -> None:
        if self.away:
            raise StripeAway("Stripe could not read the customer: away")


@dataclass
class FakeOutlook:
    """An outside that writes the sample of a message, and applies the policy of the tests to a customer of whom nothing is known."""

    clock: StandingClock
    loaded: LoadedPolicy
    answer: Answer = YES
    shown: Words | None = None
    """The notice of the company's product."""
    written: Written | Literal["as a mail"] | None = "as a mail"
    passed_over: tuple[str, ...] = ()
    away: bool = False

    def letter(self, case: Case, step: Step) -> Letter:
        self._here()
        assert step.template is not None
        mail = compose(sample_facts(step.template, "pl"))
        written = self.written
        if written == "as a mail":
            written = Written(Channel.EMAIL, "anna@acme.example", mail.text, mail.subject)
        return Letter("pl", self.answer, written, self.passed_over)

    def notice(self, case: Case, language: str, *, told: bool) -> Words | None:
        return self.shown

    def policy(self) -> LoadedPolicy:
        self._here()
        return self.loaded

    def move(self, row: CaseRow, loaded: LoadedPolicy, running: Running, campaign: str | None) -> Move:
        facts = Facts(amount=Money(amount=row.amount, currency=row.currency))
        return move_for(row, loaded, facts, running, campaign)

    def _here(self) -> None:
        if self.away:
            raise StripeAway("Stripe could not tell of the customer: away")


@cache
def kept() -> str:
    """The hash of the one password; making it takes a while."""
    return hashed(PASSWORD)


def with_users(ledger: Ledger) -> None:
    """An account of each role, named for it."""
    for role in Role:
        assert ledger.console.add_user(role.value, role, kept(), NOW)


FORM_TOKEN = re.compile(r'name="token" value="([0-9a-f]{64})"')
REQUEST = re.compile(r'name="request" value="([^"]+)"')


def token_in(page: Response) -> str:
    """What the page's forms carry."""
    found = FORM_TOKEN.search(page.text)
    assert found is not None, page.text[:500]
    return found[1]


def request_in(page: Response) -> str:
    """The name that the page's form gives to its word."""
    found = REQUEST.search(page.text)
    assert found is not None, page.text[:500]
    return found[1]


def log_in(client: TestClient, name: str, password: str = PASSWORD, **more: str) -> Response:
    """Log in as a person does: load the form, send it."""
    token = token_in(client.get("/login"))
    answer: Response = client.post(
        "/login", data={"token": token, "name": name, "password": password, **more}
    )
    return answer


def words_of(page: Response) -> str:
    """What a page says, without its tags, in one line."""
    assert page.headers["content-type"].startswith("text/html")
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", page.text)).split())
