"""The web process as it is put together, over a real ledger, with stand-ins for Temporal, Stripe and the clock."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import AttemptResult, Ledger, NewCase, ReserveAttempt
from recoup.links import PURPOSE, update_links
from recoup.rules.base import days
from recoup.rules.case import AttemptState, Outcome, Trigger
from recoup.rules.customer_page import CustomerPage
from recoup.rules.policy import Campaign
from recoup.settings import Settings, load_settings
from recoup.web.webhooks.signature import sign
from starter import assemble
from tests.ledger.databases import migrated_file
from tests.web.doubles import NOW, FakeBilling, FakeGateway, StandingClock

SECRET = "whsec_of_the_tests"
OLD_SECRET = "whsec_being_rolled"


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a starter that is fully set up."""
    monkeypatch.chdir(tmp_path)
    return load_settings(
        stripe={"api_key": "sk_test_1", "webhook_secrets": [OLD_SECRET, SECRET]},
        mail={"company": "Acme", "support": "help@acme.example", "outbox": tmp_path / "outbox"},
        starter={"inbox": True},
        database_url=f"sqlite:///{tmp_path}/ledger.db",
        public_url="https://pay.acme.example",
        link_secrets=["an older secret of links", "the present secret of links"],
    )


@pytest.fixture
def clock() -> StandingClock:
    return StandingClock()


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


@pytest.fixture
def billing() -> FakeBilling:
    return FakeBilling()


@pytest.fixture
def ledger(settings: Settings, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ledger]:
    shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), tmp_path / "ledger.db")
    ledger = Ledger.connect(settings.database_url)
    yield ledger
    ledger.close()


@pytest.fixture
def offered() -> CustomerPage:
    """What the page offers besides paying."""
    return CustomerPage()


@pytest.fixture
def web(
    settings: Settings,
    ledger: Ledger,
    gateway: FakeGateway,
    billing: FakeBilling,
    clock: StandingClock,
    offered: CustomerPage,
) -> Iterator[TestClient]:
    """A client of the whole app."""
    app = assemble(settings, ledger, gateway, billing, clock, offered)
    with TestClient(app, base_url=settings.public_url, follow_redirects=False) as client:
        yield client


@dataclass
class Hook:
    """Delivers webhooks, signed at the clock's moment."""

    client: TestClient
    clock: StandingClock

    def __call__(self, event: Any, *, secret: str = SECRET, expect: int = 200) -> dict[str, Any]:
        """Deliver, check the status, and give back the answer."""
        body = event if isinstance(event, bytes) else json.dumps(event).encode()
        response = self.client.post(
            "/webhooks/stripe",
            content=body,
            headers={"Stripe-Signature": sign(body, secret, self.clock.now())},
        )
        assert response.status_code == expect, response.text
        answer: dict[str, Any] = response.json()
        return answer


@pytest.fixture
def hook(web: TestClient, clock: StandingClock) -> Hook:
    return Hook(web, clock)


@dataclass
class Book:
    """Short ways to have something in the ledger."""

    ledger: Ledger
    clock: StandingClock
    settings: Settings

    def case(self, case_id: str = "in_1", **more: Any) -> str:
        """An open case."""
        invoice = case_id.split("/", 1)[0]
        values: dict[str, Any] = {
            "id": case_id,
            "invoice": invoice,
            "customer": "cus_1",
            "subscription": "sub_1",
            "amount": 123450,
            "currency": "pln",
            "failed_at": NOW,
            "campaign": "everybody",
            "policy_version": "v1",
            "policy": Campaign().model_dump(mode="json"),
            "rules_version": 1,
            "workflow_id": f"recovery/{case_id}",
            "run_id": f"run of {case_id}",
            "is_return": "/" in case_id,
        }
        assert self.ledger.cases.open(NewCase(**(values | more)), self.clock.now()).admitted
        return case_id

    def end(self, case_id: str, outcome: Outcome) -> None:
        """Close a case."""
        self.ledger.cases.close(case_id, outcome, "the test says so", self.clock.now())

    def attempt(self, invoice: str = "in_1", state: AttemptState | None = None) -> int:
        """An attempt of Recoup's that was sent, and settled where a state is given."""
        new = ReserveAttempt(
            invoice=invoice,
            case_id=invoice,
            request=f"{invoice}#1",
            trigger=Trigger.SCHEDULE,
            payment_method="pm_1",
            amount=123450,
            currency="pln",
        )
        row = self.ledger.attempts.reserve(new, self.clock.now()).attempt
        assert row is not None
        self.ledger.attempts.mark_sent(row.id, self.clock.now())
        if state is not None:
            self.ledger.attempts.settle(
                row.id, AttemptResult(state=state, charge="ch_ours"), self.clock.now()
            )
        return row.id

    def link(self, valid_days: float = 45, customer: str = "cus_1") -> str:
        """The path of a fresh update link."""
        now = self.clock.now()
        row = self.ledger.links.issue(customer, PURPOSE, now + days(valid_days), now)
        return "/u/" + update_links(self.settings).token(row.id, row.generation)

    def kinds(self, customer: str = "cus_1") -> list[str]:
        """The kinds of the webhooks' events about a customer, in order."""
        return [row.kind for row in self.ledger.events.of_customer(customer) if row.actor == "stripe"]


@pytest.fixture
def book(ledger: Ledger, clock: StandingClock, settings: Settings) -> Book:
    return Book(ledger, clock, settings)
