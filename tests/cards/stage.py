"""A whole Recoup of customers who owe nothing: a sandbox, a real Temporal, a ledger, an outbox, and a worker if wanted."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from activities.card_contracts import KeepMirror, MirrorResult
from activities.contracts import TASK_QUEUE
from recoup.ledger import Ledger
from recoup.messages import Outbox, OutboxMail
from recoup.settings import Settings
from recoup.temporal.payloads import plain_converter
from tests.fixtures.sandbox import Sandbox
from worker import ACTIVITY_THREADS, build_activities, build_worker

WORLD = """
version: 1
name: cards
seed: 1
start: {weekday: monday, time: "09:00", timezone: UTC}
cards:
  good: {brand: visa}
  other: {brand: mastercard}
  dead: {brand: visa, issuer: [{declines: {decline_code: expired_card, network_decline_code: "54"}}]}
customers:
  nobody:
    name: Nobody Example
    email: nobody@example.com
    pays_with: good
    subscriptions: [{product: Team plan, amount: 4900, currency: usd, renews_in: {days: 300}}]
"""


@dataclass
class Stage:
    """Everything that a test of cards before they fail needs, in short words."""

    sandbox: Sandbox
    ledger: Ledger
    client: Client
    settings: Settings

    def __post_init__(self) -> None:
        self.api = self.sandbox.client().v1
        self.clock = self.sandbox.clock

    def customer(self, **about: Any) -> str:
        """A customer without anything."""
        named = {"name": "Some Body", "email": "some@example.com", **about}
        return str(self.api.customers.create(named).id)

    def card(
        self, customer: str, expires: tuple[int, int], *, default: bool = True, kind: str = "good"
    ) -> str:
        """A card of the customer's with its year and month, the default unless the test says otherwise."""
        token = {"type": "card", "card": {"token": f"tok_world_{kind}"}}
        method = self.api.payment_methods.attach(
            self.api.payment_methods.create(token).id, {"customer": customer}
        )
        self.expire(method.id, expires)
        if default:
            chosen = {"invoice_settings": {"default_payment_method": method.id}}
            self.api.customers.update(customer, chosen)
        return str(method.id)

    def expire(self, method: str, expires: tuple[int, int]) -> None:
        """Give a card another last month."""
        self.api.payment_methods.update(method, {"card": {"exp_year": expires[0], "exp_month": expires[1]}})

    def subscribe(self, customer: str, renews_at: datetime, **more: Any) -> str:
        """A subscription that is charged next at this moment."""
        price = {
            "product": self.api.products.create({"name": "Team plan"}).id,
            "recurring": {"interval": "month"},
            "unit_amount": 4900,
            "currency": "usd",
        }
        fields = {
            "customer": customer,
            "items": [{"price_data": price}],
            "trial_end": int(renews_at.timestamp()),
            **more,
        }
        return str(self.api.subscriptions.create(fields).id)

    def requests(self, path: str) -> int:
        """How many requests the sandbox got for this path."""
        return sum(call["path"] == path for call in self.sandbox.control("requests"))

    def mails(self) -> list[OutboxMail]:
        """All mails in the outbox."""
        return Outbox(self.settings.mail.outbox).list()

    async def mirrored(self) -> MirrorResult:
        """Bring the mirror up to date."""
        result: MirrorResult = await self.client.execute_workflow(
            "MirrorCards",
            KeepMirror(),
            id=f"mirror/{id(self)}",
            task_queue=TASK_QUEUE,
            result_type=MirrorResult,
        )
        return result

    async def another_client(self) -> Client:
        """A connection of its own, as another machine has one."""
        host = self.client.service_client.config.target_host
        return await Client.connect(host, namespace=self.client.namespace, data_converter=plain_converter)

    async def in_thread(self, function: Any, *arguments: Any, **named: Any) -> Any:
        """Call something that waits, without holding up the worker."""
        return await asyncio.to_thread(function, *arguments, **named)


@asynccontextmanager
async def working(stage: Stage) -> AsyncIterator[Worker]:
    """A worker, as ``recoup worker`` makes it."""
    with ThreadPoolExecutor(ACTIVITY_THREADS) as threads:
        activities = build_activities(stage.settings, stage.ledger, stage.client)
        async with build_worker(stage.client, activities, threads) as worker:
            yield worker
