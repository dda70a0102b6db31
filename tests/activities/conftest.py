"""The activities over real parts: a sandbox in its own process, a ledger in SQLite, an outbox in a folder."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.access import Access
from activities.contracts import (
    AccessOrder,
    AttemptOrder,
    AttemptReport,
    Decision,
    MessageOrder,
    PlainOrder,
    SettleOrder,
    TakeUp,
)
from activities.messages import Messages
from activities.payments import Payments
from activities.records import Records
from recoup.access import AccessChange
from recoup.addressing import AddressKeys
from recoup.ledger import Ledger
from recoup.links import UnsubscribeLinks
from recoup.messages import Composer, MailSettings, Outbox, sender_from
from recoup.policy.file import load_policy
from recoup.rules.case import Case, Template, Trigger
from recoup.rules.contact import ContactPolicy
from recoup.rules.policy import Ending
from recoup.rules.steps import Step, StepKind
from tests.fixtures.sandbox import ROOT, Sandbox, running_sandbox

_PEOPLE: dict[str, dict[str, Any]] = {
    "short": {
        "about": {
            "name": "Short Example",
            "email": "short@example.com",
            "preferred_locales": ["pl-PL"],
            "metadata": {"timezone": "Europe/Warsaw"},
        },
        "price": {"unit_amount": 4900, "currency": "usd"},
    },
    "empty": {
        "about": {"name": "Empty Example", "email": "empty@example.com", "preferred_locales": ["en-US"]},
        "price": {"unit_amount": 2900, "currency": "eur"},
    },
}
"""By the card of the world that each pays with."""

_REFUSES = 'declines: {decline_code: insufficient_funds, network_decline_code: "51"}'
_ISSUERS = {"short": f"[{{{_REFUSES}, for_attempts: 1}}, {{approves: true}}]", "empty": f"[{{{_REFUSES}}}]"}
_SETS = 500
_WORLD = """
version: 1
name: activities
seed: 1
start: {weekday: monday, time: "09:00", timezone: UTC}
cards:
  fresh: {brand: visa}
  ruled_out: {brand: visa, issuer: [{declines: {decline_code: generic_decline, type: blocked, reason: rule}}]}
CARDS
customers:
  nobody:
    name: Nobody Example
    email: nobody@example.com
    pays_with: fresh
    subscriptions: [{product: Team plan, amount: 4900, currency: usd, renews_in: {days: 300}}]
"""


def _world() -> str:
    """Cards of each kind, a set for every test: a bank remembers what a card has done."""
    kinds = _ISSUERS.items()
    cards = [
        f"  {kind}_{n}: {{brand: visa, issuer: {issuer}}}" for n in range(_SETS) for kind, issuer in kinds
    ]
    return _WORLD.replace("CARDS", "\n".join(cards))


_next_set = itertools.count()


@dataclass
class RecordingBackend:
    """A company's backend that remembers what it was told."""

    told: list[tuple[str, str]] = field(default_factory=list)

    def tell(self, change: AccessChange, *, id_: str, at: object) -> None:
        self.told.append((change.type, id_))


@dataclass
class Desk:
    """Everything an activity test needs, with short words for the orders."""

    sandbox: Sandbox
    ledger: Ledger
    directory: Path
    backend: RecordingBackend = field(default_factory=RecordingBackend)
    customers: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clock, client = self.sandbox.clock, self.sandbox.client()
        self.clock, self.stripe = clock, client
        mail = MailSettings(outbox=self.directory / "outbox")
        self.payments = Payments(client, self.ledger, clock, load_policy(ROOT / "policy.yaml"))
        self.messages = Messages(
            client,
            self.ledger,
            clock,
            Composer(),
            sender_from(mail, clock),
            mail,
            lambda id_, _: f"http://127.0.0.1/u/{id_}",
            ContactPolicy(gather_minutes=0, quiet_hours=None),
            UnsubscribeLinks(["a secret of the tests"], "https://pay.example"),
            AddressKeys(["a secret of the tests"]),
        )
        self.access = Access(client, self.ledger, clock, self.backend)
        self.records = Records(self.ledger, clock)
        self.outbox = Outbox(mail.outbox)

    def fail_renewals(self) -> None:
        """Make a customer of each kind, and let their first renewals come and fail."""
        number = next(_next_set)
        for key, person in _PEOPLE.items():
            self.customers[key] = self._subscribed(f"{key}_{number}", person)
        self.sandbox.pass_time(hours=2)

    def _subscribed(self, card: str, person: dict[str, Any]) -> dict[str, str]:
        api = self.stripe.v1
        customer = api.customers.create(person["about"])
        token = {"type": "card", "card": {"token": f"tok_world_{card}"}}
        method = api.payment_methods.attach(api.payment_methods.create(token).id, {"customer": customer.id})
        api.customers.update(customer.id, {"invoice_settings": {"default_payment_method": method.id}})
        product = api.products.create({"name": "Team plan"})
        price = {"product": product.id, "recurring": {"interval": "month"}, **person["price"]}
        trial_end = int(self.clock.now().timestamp()) + 3600
        items = [{"price_data": price}]
        api.subscriptions.create({"customer": customer.id, "items": items, "trial_end": trial_end})
        return {"customer": customer.id, "payment_method": method.id}

    def invoice(self, key: str) -> str:
        """The failed invoice of one of the world's customers."""
        found = self.stripe.v1.invoices.list({"customer": self.customers[key]["customer"], "status": "open"})
        return str(found.data[0].id)

    def run(self, activity: Any, order: Any, attempt: int = 1) -> Any:
        """Run one activity as Temporal would, in its ``attempt``-th try."""
        environment = ActivityEnvironment()
        environment.info = environment.info.__class__(**{**environment.info.__dict__, "attempt": attempt})
        return environment.run(activity, order)

    def take_up(self, key: str) -> Case:
        """Open the case of a customer's failed invoice."""
        invoice = self.invoice(key)
        order = TakeUp(
            invoice=invoice,
            at=self.clock.now(),
            return_number=1,
            workflow_id=f"recovery/{invoice}",
            run_id="run-1",
        )
        taken = self.run(self.payments.take_up, order)
        assert taken.case is not None, taken.because
        case: Case = taken.case
        return case

    def common(self, case: Case, request: str) -> dict[str, Any]:
        step = Step(kind=StepKind.ATTEMPT, due_at=self.clock.now(), because="the test asks for it")
        return {
            "case_id": case.id,
            "invoice": case.invoice,
            "customer": case.customer,
            "subscription": case.subscription,
            "request": request,
            "decision": Decision(at=self.clock.now(), step=step, known={}, rules_version=1),
        }

    def attempt(
        self, case: Case, request: str = "r1", trigger: Trigger = Trigger.SCHEDULE, tries: int = 1
    ) -> AttemptReport:
        order = AttemptOrder(**self.common(case, request), trigger=trigger, due=case.due)
        report: AttemptReport = self.run(self.payments.attempt, order, tries)
        return report

    def settle(self, case: Case, number: int, *, only_read: bool = False) -> AttemptReport:
        order = SettleOrder(**self.common(case, f"settle-{number}"), number=number, only_read=only_read)
        report: AttemptReport = self.run(self.payments.settle, order, 10)
        return report

    def message(self, case: Case, template: Template = Template.PAYMENT_FAILED) -> MessageOrder:
        return MessageOrder(
            **self.common(case, f"m-{template}"),
            template=template,
            key=template.value,
            decline=case.decline,
            suspend_at=self.clock.now() + timedelta(days=21),
            link_valid_days=45,
        )

    def access_order(self, case: Case, ending: Ending = Ending.PAUSE) -> AccessOrder:
        return AccessOrder(**self.common(case, f"access-{ending}"), ending=ending)

    def plain(self, case: Case, request: str = "plain") -> PlainOrder:
        return PlainOrder(**self.common(case, request))


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """One sandbox for all tests of the activities; each test has customers of its own in it."""
    directory = tmp_path_factory.mktemp("sandbox")
    world = directory / "world.yaml"
    world.write_text(_world())
    with running_sandbox(directory, world) as running:
        yield running


@pytest.fixture
def desk(sandbox: Sandbox, tmp_path: Path) -> Iterator[Desk]:
    """Activities over the sandbox, with two customers whose renewals have just failed."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.migrate()
    desk = Desk(sandbox=sandbox, ledger=ledger, directory=tmp_path)
    desk.fail_renewals()
    yield desk
    sandbox.control("faults", method="DELETE")
    ledger.close()
