"""A worker for very many customers: the real workflow, activities and ledger; Stripe and the mail server are made up, and count.

``python -m tests.cards.many_worker ADDRESS NAMESPACE QUEUE DIRECTORY``: every other customer has another card by now. Each
mail that leaves is one line of the file ``sent`` in the directory, which outlives the process.
"""

from __future__ import annotations

import asyncio
import os
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from temporalio.client import Client
from temporalio.worker import Worker

from activities._notices import Notices
from activities.messages import Messages
from activities.pacing import Pace
from activities.refreshing import Refreshing
from recoup.addressing import AddressKeys
from recoup.clock import SystemClock
from recoup.ledger import Ledger
from recoup.links import UnsubscribeLinks
from recoup.messages import Composed, Composer, MailSettings, MessageFacts, SendReceipt
from recoup.rules.contact import ContactPolicy
from recoup.rules.expiring import ExpiringCards
from recoup.temporal.heartbeats import Heartbeats
from recoup.temporal.payloads import plain_converter
from workflows.refresh import RefreshCards

RENEWS_AT = 1_798_000_000


class Made:
    """An object of Stripe's."""

    def __init__(self, data: dict[str, Any]) -> None:
        self._data = data

    def to_dict(self) -> dict[str, Any]:
        return self._data


def number_of(id_: str) -> int:
    return int(id_.partition("_")[2])


def is_renewed(number: int) -> bool:
    """Every other customer has another card by now."""
    return number % 2 == 0


class Stripe:
    """The edge of Stripe: a customer, a card and a subscription for each number."""

    def __init__(self) -> None:
        self.v1 = SimpleNamespace(
            subscriptions=SimpleNamespace(list=self._subscriptions, retrieve=self._subscription),
            customers=SimpleNamespace(retrieve=self._customer),
            payment_methods=SimpleNamespace(retrieve=self._method),
        )

    def _subscriptions(self, params: dict[str, Any]) -> Any:
        number = number_of(params["customer"])
        page = [Made(self._of(number))]
        return SimpleNamespace(data=page, auto_paging_iter=lambda: iter(page))

    def _of(self, number: int) -> dict[str, Any]:
        price = {"unit_amount": 4900, "recurring": {"interval": "month", "interval_count": 1}}
        item = {"price": price, "quantity": 1, "current_period_end": RENEWS_AT}
        method = self._card(number, "pm_9" if is_renewed(number) else "pm_")
        settings = {"default_payment_method": method}
        return {
            "id": f"sub_{number}",
            "customer": {"id": f"cus_{number}", "invoice_settings": settings},
            "status": "active",
            "collection_method": "charge_automatically",
            "currency": "usd",
            "items": {"data": [item]},
        }

    def _card(self, number: int, prefix: str) -> dict[str, Any]:
        card = {
            "brand": "visa",
            "last4": "4242",
            "exp_year": 2031,
            "exp_month": 5,
            "fingerprint": f"fp_{number}",
        }
        return {"id": f"{prefix}{number}", "type": "card", "customer": f"cus_{number}", "card": card}

    def _subscription(self, id_: str, _: Any) -> Made:
        return Made({**self._of(number_of(id_)), "description": "Team plan"})

    def _customer(self, id_: str) -> Made:
        return Made({"id": id_, "name": "Some Body", "email": f"{id_}@example.com"})

    def _method(self, id_: str) -> Made:
        return Made(self._card(number_of(id_), "pm_"))


class BriefComposer(Composer):
    """Writes one line; what messages say is tested elsewhere, and takes longer than all the rest."""

    def compose(self, facts: MessageFacts) -> Composed:
        return Composed(subject="Update", text=f"{facts.update_url}\n", html="<p>update</p>", language="en")


class NoPace(Pace):
    """Stripe is made up here, so nobody has to be polite to it."""

    def wait_for(self, requests: int = 1) -> None:
        """At once."""


class CountingSender:
    """A mail server that writes down each mail the moment it has it, and can be asked."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def send(self, mime: bytes, *, key: str, **_: Any) -> SendReceipt:
        assert b"update" in mime.lower()
        handle = os.open(self._file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        try:
            os.write(handle, f"{key}\n".encode())
        finally:
            os.close(handle)
        return SendReceipt(provider_id=key)

    def find(self, key: str) -> str | None:
        sent = self._file.read_text().split() if self._file.exists() else []
        return key if key in sent else None

    def check(self) -> None:
        """Always there."""


def activities_for(directory: Path, ledger: Ledger) -> list[Any]:
    """The real activities over these edges."""
    clock, stripe, mail = SystemClock(), Stripe(), MailSettings()
    messages = Messages(
        client=stripe,  # type: ignore[arg-type]  # only what is asked of it
        ledger=ledger,
        clock=clock,
        composer=BriefComposer(),
        sender=CountingSender(directory / "sent"),
        mail=mail,
        link_url=lambda id_, _: f"http://127.0.0.1/u/{id_}",
        contact=ContactPolicy(quiet_hours=None),
        unsubscribe=UnsubscribeLinks(["a secret of the tests"], "https://pay.example"),
        address_keys=AddressKeys(["a secret of the tests"]),
    )
    refreshing = Refreshing(Notices(messages, NoPace(ledger, clock, 1)), ExpiringCards())
    return [refreshing.select, refreshing.work]


async def main(address: str, namespace: str, queue: str, directory: Path) -> None:
    """Work until killed."""
    client = await Client.connect(address, namespace=namespace, data_converter=plain_converter)
    ledger = Ledger.connect(f"sqlite:///{directory / 'ledger.db'}")
    with ThreadPoolExecutor(4) as threads:
        async with Worker(
            client,
            task_queue=queue,
            workflows=[RefreshCards],
            activities=activities_for(directory, ledger),
            activity_executor=threads,
            interceptors=[Heartbeats()],
            build_id="tests",
        ):
            await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], sys.argv[3], Path(sys.argv[4])))
