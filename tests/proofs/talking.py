"""Customers whose cases talk to them: the real rules, the real ledger and the real activity that sends, without Temporal and Stripe.

Each customer's cases are stepped in the order in which their steps fall due, as their workflows would be. Nothing is ever paid
unless the customer brings a card; then everything is.
"""

from __future__ import annotations

import heapq
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from activities.contracts import Decision, MessageOrder
from activities.messages import Messages
from recoup.addressing import AddressKeys
from recoup.ledger import Ledger, NewCase
from recoup.links import UnsubscribeLinks
from recoup.messages import Composer, MailSettings, SendReceipt
from recoup.rules import fold
from recoup.rules.case import Access, AttemptState, Case, Stage, Template, Trigger
from recoup.rules.contact import ContactPolicy
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.policy import Campaign
from recoup.rules.step import Step, StepKind
from recoup.rules.steps import next_step
from recoup.rules.suspension import suspend_at
from tests.proofs.standins import Standing
from workflows._orders import fold_message

COMPOSER = Composer()
"""One for all: its templates are compiled once."""

SENDING_TAKES = timedelta(seconds=1)
"""So long the clock moves on with each act, as on a busy machine; whoever is due meanwhile comes late."""


@dataclass
class Person:
    """One customer."""

    id: str
    failures: list[tuple[datetime, str]]
    """When each of their renewals failed, and its currency."""
    timezone: str | None = None
    country: str | None = None
    email: str = "somebody@example.com"
    card_at: datetime | None = None
    """When they bring a card that pays everything."""


@dataclass(frozen=True)
class Mail:
    """What went out."""

    at: datetime
    customer: str
    key: str
    template: str
    text: str


@dataclass
class Post:
    """Where messages go."""

    clock: Standing
    sent: list[Mail] = field(default_factory=list)

    def send(
        self,
        mime: bytes,
        *,
        sender: str,
        recipient: str,
        key: str,
        tags: Mapping[str, str],
        copies: Sequence[str] = (),
    ) -> SendReceipt:
        """Take one message."""
        customer = key.partition("_of_")[2].partition("/")[0]
        self.sent.append(Mail(self.clock.at, customer, key, tags["template"], mime.decode()))
        return SendReceipt(provider_id=str(len(self.sent)))

    def check(self) -> None:
        """It can always be reached."""

    def find(self, key: str) -> str | None:
        """Whether it was taken."""
        return next((str(number) for number, mail in enumerate(self.sent) if mail.key == key), None)


class Talk:
    """Plays customers against one ledger."""

    def __init__(self, ledger: Ledger, campaign: Campaign, contact: ContactPolicy, start: datetime) -> None:
        self.clock, self.ledger, self.contact, self._campaign = Standing(start), ledger, contact, campaign
        self.post = Post(self.clock)
        self.people: dict[str, Person] = {}
        self.cases: dict[str, Case] = {}
        self.charges: list[str] = []
        self.put_off: list[tuple[str, str, datetime, str]] = []
        self._queue: list[tuple[datetime, int, str]] = []
        self._turn = 0
        self.messages = Messages(
            client=cast(Any, _Stripe(self)),
            ledger=ledger,
            clock=self.clock,
            composer=COMPOSER,
            sender=self.post,
            mail=MailSettings(outbox=Path("unused")),
            link_url=lambda id_, _: f"http://127.0.0.1/u/{id_}",
            contact=contact,
            unsubscribe=UnsubscribeLinks(["a secret of the tests"], "https://pay.example"),
            address_keys=AddressKeys(["a secret of the tests"]),
        )

    def play(self, people: list[Person]) -> None:
        """Play all to their ends."""
        for person in people:
            self.people[person.id] = person
            for number, (failed_at, _) in enumerate(person.failures):
                self._call(failed_at, f"begin/{number}/{person.id}")
            if person.card_at is not None:
                self._call(person.card_at, f"card/{person.id}")
        while self._queue:
            due, _, what = heapq.heappop(self._queue)
            self.clock.at = max(self.clock.at, due)
            kind, _, rest = what.partition("/")
            if kind == "begin":
                self._begin(*rest.split("/"))
            elif kind == "card":
                self._bring_card(rest)
            else:
                self._step(self.cases[rest])

    def cases_of(self, customer: str) -> list[Case]:
        """The customer's cases, in the order in which they failed."""
        mine = [case for case in self.cases.values() if case.customer == customer]
        return sorted(mine, key=lambda case: case.failed_at)

    # -- what happens --------------------------------------------------------------------------------------------------

    def _begin(self, number: str, customer: str) -> None:
        _, currency = self.people[customer].failures[int(number)]
        invoice = f"in_{number}_of_{customer}"
        case = Case(
            id=invoice,
            invoice=invoice,
            customer=customer,
            subscription=f"sub_{number}_of_{customer}",
            due=Money(amount=4900, currency=currency),
            failed_at=self.clock.at,
            campaign=self._campaign,
            decline=Decline(code="insufficient_funds"),
            gather_minutes=self.contact.gather_minutes,
        )
        self.ledger.cases.open(_row(case), self.clock.at)
        self.cases[invoice] = case
        self._call(self.clock.at, f"step/{invoice}")

    def _bring_card(self, customer: str) -> None:
        for case in self.cases_of(customer):
            self.cases[case.id] = fold.method_updated(case, "pm_good", Trigger.CARD_UPDATE)
            self._call(self.clock.at, f"step/{case.id}")

    def _step(self, case: Case) -> None:
        now = self.clock.at
        step = next_step(case, case.campaign, now)
        if step.kind in (StepKind.END, StepKind.PERSON):
            return
        if step.due_at is None or step.due_at > now:
            if step.due_at is not None:
                self._call(step.due_at, f"step/{case.id}")
            return
        self.cases[case.id] = self._do(case, step, now)
        self.clock.at += SENDING_TAKES
        self._call(self.clock.at, f"step/{case.id}")

    def _do(self, case: Case, step: Step, now: datetime) -> Case:
        match step.kind:
            case StepKind.MESSAGE:
                return self._tell(case, step, now)
            case StepKind.ATTEMPT:
                return self._collect(case, step.trigger or Trigger.SCHEDULE, now)
            case StepKind.SUSPEND:
                return fold.suspended(case, step.because)
            case StepKind.CLOSE:
                assert case.outcome is not None
                self.ledger.cases.close(case.id, case.outcome, case.because or "", now)
                return fold.closed(case, case.outcome, case.because or "", now)
        raise AssertionError(step)

    def _collect(self, case: Case, trigger: Trigger, now: datetime) -> Case:
        begun = fold.attempt_begun(case)
        if trigger is not Trigger.CARD_UPDATE:
            decline = Decline(code="insufficient_funds")
            state = AttemptState.DECLINED
            return fold.attempt_folded(
                begun, trigger, state, number=1, at=now, because="no money", decline=decline
            )
        self.charges.append(case.invoice)
        return fold.attempt_folded(begun, trigger, AttemptState.PAID, number=1, at=now, because="it was paid")

    def _tell(self, case: Case, step: Step, now: datetime) -> Case:
        assert step.template is not None
        assert step.key is not None
        self._turn += 1
        ahead = case.outcome is None and case.access is Access.FULL
        order = MessageOrder(
            case_id=case.id,
            invoice=case.invoice,
            customer=case.customer,
            subscription=case.subscription,
            request=f"{case.id}/{self._turn}",
            decision=Decision(at=now, step=step, known={}, rules_version=1),
            template=step.template,
            key=step.key,
            decline=case.decline,
            suspend_at=suspend_at(case, case.campaign) if ahead else None,
            link_valid_days=45,
            must_arrive=step.template is Template.LAST_NOTICE,
        )
        report = self.messages.send(order)
        if report.not_before is not None:
            self.put_off.append((case.id, step.key, report.not_before, report.because))
        told = fold_message(case, report)
        return told if report.ended is None else fold.ended(told, report.ended, report.because)

    def _call(self, at: datetime, what: str) -> None:
        self._turn += 1
        heapq.heappush(self._queue, (at, self._turn, what))


def _row(case: Case) -> NewCase:
    return NewCase(
        id=case.id,
        invoice=case.invoice,
        customer=case.customer,
        subscription=case.subscription,
        amount=case.due.amount,
        currency=case.due.currency,
        failed_at=case.failed_at,
        campaign=case.campaign.name,
        policy_version="1",
        policy=case.campaign.model_dump(mode="json"),
        rules_version=1,
        workflow_id=f"recovery/{case.id}",
        run_id="run",
    )


class _Stripe:
    """As much of Stripe as a message asks: the customer, and invoices that are open until their case has recovered."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self.v1 = self
        self.customers = SimpleNamespace(retrieve=self._customer)
        self.invoices = SimpleNamespace(list=self._list, retrieve=self._invoice)

    def _customer(self, id_: str) -> Any:
        person = self._talk.people[id_]
        data = {"email": person.email, "address": {"country": person.country}}
        return _Object({**data, "metadata": {"timezone": person.timezone} if person.timezone else {}})

    def _list(self, asked: dict[str, Any]) -> Any:
        mine = self._talk.cases_of(asked["customer"])
        found = [self._invoice(case.invoice) for case in mine if not _is_paid(case)]
        return SimpleNamespace(auto_paging_iter=lambda: iter(found))

    def _invoice(self, id_: str, _: object = None) -> Any:
        case = self._talk.cases[id_]
        paid = _is_paid(case)
        parent = {"subscription_details": {"subscription": {"id": case.subscription, "status": "past_due"}}}
        return _Object(
            {
                "id": id_,
                "number": f"N-{id_}",
                "status": "paid" if paid else "open",
                "customer": case.customer,
                "amount_remaining": 0 if paid else case.due.amount,
                "amount_due": case.due.amount,
                "amount_paid": case.due.amount if paid else 0,
                "currency": case.due.currency,
                "attempted": True,
                "billing_reason": "subscription_cycle",
                "collection_method": "charge_automatically",
                "parent": parent,
                "hosted_invoice_url": f"http://127.0.0.1/i/{id_}",
            }
        )


class _Object(dict[str, Any]):
    @property
    def id(self) -> str:
        return str(self["id"])

    def to_dict(self) -> dict[str, Any]:
        return dict(self)


def _is_paid(case: Case) -> bool:
    return case.outcome is not None and case.outcome.stage is Stage.RECOVERED
