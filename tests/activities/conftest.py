"""The activities over real parts: a sandbox in its own process, a ledger in SQLite, an outbox in a folder."""

from __future__ import annotations

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
from recoup.ledger import Ledger
from recoup.messages import Composer, MailSettings, Outbox, sender_from
from recoup.policy_file import load_policy
from recoup.rules.case import Case, Template, Trigger
from recoup.rules.policy import Ending
from recoup.rules.steps import Step, StepKind
from tests.fixtures.sandbox import ROOT, Sandbox, running_sandbox

WORLD = Path(__file__).with_name("world.yaml")


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
        )
        self.access = Access(client, self.ledger, clock, self.backend)
        self.records = Records(self.ledger, clock)
        self.outbox = Outbox(mail.outbox)

    def fail_renewals(self) -> None:
        """Let the world's renewals come and fail."""
        self.customers = self.sandbox.control("seed", {})["customers"]
        start = self.sandbox.control("clock")["next_event_at"]
        self.sandbox.control("clock", {"to": start + 2 * 3600})

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

    def settle(self, case: Case, number: int) -> AttemptReport:
        report: AttemptReport = self.run(
            self.payments.settle, SettleOrder(**self.common(case, f"settle-{number}"), number=number), 10
        )
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


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Activities over a sandbox whose renewals have just failed."""
    ledger = Ledger.connect(f"sqlite:///{tmp_path / 'ledger.db'}")
    ledger.migrate()
    with running_sandbox(tmp_path, WORLD) as sandbox:
        desk = Desk(sandbox=sandbox, ledger=ledger, directory=tmp_path)
        desk.fail_renewals()
        yield desk
    ledger.close()
