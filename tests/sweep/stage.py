"""A whole Recoup that no webhook reaches: a sandbox in its own process, a real Temporal, a real worker, a ledger."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from pydantic import SecretStr
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowQueryFailedError
from temporalio.worker import Worker

from activities.contracts import StartCase
from activities.sweep_contracts import Look, StartSweep, SweepResult, Tally
from recoup.ledger import CaseRow, EventRow, Ledger
from recoup.messages import MailSettings
from recoup.settings import Settings, TemporalSettings
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.ids import recovery_workflow_id
from recoup.temporal.sweeping import sweep_now
from tests.fixtures.sandbox import ROOT, Sandbox
from worker import ACTIVITY_THREADS, build_activities, build_worker

CARDS = 40
WORLD = """
version: 1
name: sweep
seed: 1
start: {weekday: monday, time: "09:00", timezone: UTC}
cards:
  good: {brand: visa}
CARDS
customers:
  nobody:
    name: Nobody Example
    email: nobody@example.com
    pays_with: good
    subscriptions: [{product: Team plan, amount: 4900, currency: usd, renews_in: {days: 300}}]
""".replace(
    "CARDS",
    "\n".join(
        f"  empty_{n}: {{brand: visa, issuer: [{{declines: {{decline_code: insufficient_funds}}}}]}}"
        for n in range(CARDS)
    ),
)


@dataclass
class Stage:
    """Everything a test of the sweep needs, in short words."""

    sandbox: Sandbox
    ledger: Ledger
    client: Client
    settings: Settings
    cards: int = 0

    def __post_init__(self) -> None:
        self.api = self.sandbox.client().v1
        self.gateway = CaseGateway(self.client)
        self.clock = self.sandbox.clock

    def subscribed(self, **more: Any) -> Any:
        """A customer's subscription whose first renewal comes in an hour and will fail."""
        customer = self.api.customers.create({"name": "Some Body", "email": "some@example.com"}).id
        method = self.method(customer, f"empty_{self.cards}")
        self.cards += 1
        self.api.customers.update(customer, {"invoice_settings": {"default_payment_method": method}})
        product = self.api.products.create({"name": "Team plan"}).id
        price = {
            "product": product,
            "recurring": {"interval": "month"},
            "unit_amount": 4900,
            "currency": "usd",
        }
        fields = {"customer": customer, "items": [{"price_data": price}], "trial_end": self.soon(), **more}
        return self.api.subscriptions.create(fields)

    def method(self, customer: str, card: str) -> str:
        """A card of the world, attached to the customer."""
        token = {"type": "card", "card": {"token": f"tok_world_{card}"}}
        made = self.api.payment_methods.create(token).id
        return str(self.api.payment_methods.attach(made, {"customer": customer}).id)

    def soon(self) -> int:
        """In an hour."""
        return int(self.clock.now().timestamp()) + 3600

    def fail(self, count: int = 1) -> list[str]:
        """So many renewals fail, and nobody is told; their invoices."""
        subscriptions = [self.subscribed() for _ in range(count)]
        self.sandbox.pass_time(hours=2)
        return [self.invoice_of(subscription.id) for subscription in subscriptions]

    def invoice_of(self, subscription: str) -> str:
        """The one open invoice of a subscription."""
        return str(self.api.invoices.list({"subscription": subscription, "status": "open"}).data[0].id)

    def subscription_of(self, invoice: str) -> str:
        """The subscription that an invoice bills."""
        parent = self.api.invoices.retrieve(invoice).to_dict()["parent"]
        return str(parent["subscription_details"]["subscription"])

    def pay_as_customer(self, invoice: str) -> None:
        """The customer pays with another card."""
        customer = self.api.invoices.retrieve(invoice).to_dict()["customer"]
        self.api.invoices.pay(invoice, {"payment_method": self.method(customer, "good")})

    async def begun(self, count: int = 1) -> list[CaseRow]:
        """Cases of failed renewals, begun as a webhook would, each waiting for its first retry."""
        invoices = await asyncio.to_thread(self.fail, count)
        for invoice in invoices:
            await self.gateway.begin(StartCase(invoice=invoice, at=self.clock.now()))
        return [await self.waiting(invoice) for invoice in invoices]

    async def waiting(self, case: str) -> CaseRow:
        """The case once it has written to the customer and sleeps."""

        def is_told() -> bool:
            row = self.ledger.cases.get(case)
            return row is not None and any(m.case_id == case for m in self.sent(row.customer))

        await until(is_told, f"{case} to have written")
        for _ in range(400):
            # A run that has just begun says that it is being opened.
            with suppress(WorkflowQueryFailedError):
                view = await self.gateway.view(case)
                if view is not None and view.waiting:
                    break
            await asyncio.sleep(0.05)
        row = self.ledger.cases.get(case)
        assert row is not None
        return row

    def sent(self, customer: str) -> list[EventRow]:
        """The messages that were sent to a customer."""
        return [event for event in self.ledger.events.of_customer(customer) if event.kind == "message_sent"]

    async def over(self, case: str) -> CaseRow:
        """The case once it has ended."""

        def is_over() -> bool:
            row = self.ledger.cases.get(case)
            return row is not None and not row.is_open

        await until(is_over, f"{case} to end")
        row = self.ledger.cases.get(case)
        assert row is not None
        return row

    async def terminate(self, case: str) -> None:
        """Somebody ends a workflow the hard way."""
        await self.client.get_workflow_handle(recovery_workflow_id(case)).terminate("lost")

    async def run_id(self, case: str) -> str:
        """The run that carries the case; it has to be running."""
        run = await self.gateway.run_of(case)
        assert run is not None
        assert run.is_running
        return run.id

    async def sweep(self) -> dict[Look, Tally]:
        """Run a sweep to its end; its figures by look."""
        result = await sweep_now(self.client, "test")
        assert result.is_whole, result
        return {tally.look: tally for tally in result.tallies}

    async def sweep_beside(self, name: str) -> SweepResult:
        """Run a sweep beside others, as the schedule may."""
        result: SweepResult = await self.client.execute_workflow(
            "Reconcile",
            StartSweep(by=name),
            id=f"reconcile/{name}",
            task_queue="recoup",
            result_type=SweepResult,
        )
        return result

    def swept(self) -> list[tuple[str, str | None]]:
        """What the sweeps did, from the ledger's events: kind and case; each has its reason."""
        events = [event for event in self.ledger.events.since(0, 10_000) if event.kind.startswith("sweep.")]
        assert all(event.data["because"] and event.data["sweep"] for event in events)
        return [(event.kind, event.case_id) for event in events]


def found(tallies: dict[Look, Tally]) -> dict[Look, tuple[int, int]]:
    """Found and mended, where anything was."""
    return {look: (tally.found, tally.mended) for look, tally in tallies.items() if tally.found}


async def until(ready: Callable[[], bool], what: str) -> None:
    """Wait for something that the worker does."""
    for _ in range(600):
        if await asyncio.to_thread(ready):
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}")


def settings_for(sandbox: Sandbox, client: Client, directory: Path, **stripe: Any) -> Settings:
    """The settings of the whole."""
    return Settings(
        stripe=sandbox.settings.model_copy(update={"sweep_requests_per_second": 100.0, **stripe}),
        temporal=TemporalSettings(
            address=client.service_client.config.target_host, namespace=client.namespace
        ),
        mail=MailSettings(outbox=directory / "outbox"),
        database_url=f"sqlite:///{directory / 'ledger.db'}",
        policy_file=ROOT / "policy.yaml",
        link_secrets=(SecretStr("a-secret-of-the-tests-0123456789abcdef"),),
        clock_file=sandbox.clock_file,
    )


def at_any_hour(directory: Path) -> Path:
    """The shipped policy without its rules of contact: what a sweep mends must not wait for the morning."""
    policy = yaml.safe_load((ROOT / "policy.yaml").read_text())
    policy["contact"] = {"gather_minutes": 0, "budget": None, "quiet_hours": None}
    path = directory / "policy.yaml"
    path.write_text(yaml.safe_dump(policy))
    return path


@asynccontextmanager
async def working(stage: Stage) -> AsyncIterator[Worker]:
    """A worker, as ``recoup worker`` makes it."""
    with ThreadPoolExecutor(ACTIVITY_THREADS) as threads:
        activities = build_activities(stage.settings, stage.ledger, stage.client)
        async with build_worker(stage.client, activities, threads) as worker:
            yield worker


async def clean(client: Client) -> None:
    """End what still runs, so that the next worker has nothing of this one's to do."""
    async for run in client.list_workflows("ExecutionStatus = 'Running'"):
        if run.status is WorkflowExecutionStatus.RUNNING and not run.id.startswith("temporal-sys"):
            await client.get_workflow_handle(run.id).terminate("the test is over")
