"""Integrations: telling the rest of the company what happened in the cases.

Reads the ledger's events, writes only its own bookmarks there: no case waits for anything here.
"""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import stripe
from stripe import StripeClient
from temporalio import activity
from temporalio.client import Client

from activities._courier import Courier
from activities._failures import sentence
from activities._standing import standing_of
from activities.contracts import CaseView
from activities.integration_contracts import Delivered, DeliverOrder, IntegrationActivity
from recoup.billing import stripe_client
from recoup.billing.customers import read_contact
from recoup.clock import Clock, clock_for
from recoup.errors import ConnectionFailed
from recoup.integrations.building import destinations_from
from recoup.integrations.destination import About, Destination, Unavailable
from recoup.integrations.published import PublicEvent
from recoup.ledger import Ledger
from recoup.settings import Settings
from recoup.temporal.gateway import CaseGateway

VIEW_SECONDS = 15.0


@dataclass
class Integrations:
    """The activity of :mod:`workflows.integrations`."""

    destinations: dict[str, Destination]
    ledger: Ledger
    clock: Clock
    client: StripeClient
    gateway: CaseGateway
    every_seconds: float = 30
    give_up_after: timedelta = timedelta(days=7)
    by: str = field(default_factory=lambda: uuid.uuid4().hex)

    @activity.defn(name=IntegrationActivity.DELIVER.value, no_thread_cancel_exception=True)
    async def deliver(self, order: DeliverOrder) -> Delivered:
        """Deliver what there is to one destination."""
        destination = self.destinations.get(order.destination)
        if destination is None:
            return Delivered(at=self.clock.now(), gone=True)
        stop, loop = threading.Event(), asyncio.get_running_loop()
        courier = Courier(
            destination=destination,
            ledger=self.ledger,
            clock=self.clock,
            # Of this pass alone: another one in the same process must not take it for its own.
            by=f"{self.by}/{uuid.uuid4().hex}",
            about=lambda event: self._about(event, loop),
            give_up_after=self.give_up_after,
            stopped=stop.is_set,
        )
        try:
            done = await asyncio.to_thread(courier.run)
        except asyncio.CancelledError:
            stop.set()
            raise
        return done.model_copy(update={"wait_seconds": self.every_seconds})

    def _about(self, event: PublicEvent, loop: asyncio.AbstractEventLoop) -> About:
        def view(case: str) -> CaseView | None:
            try:
                asked = asyncio.run_coroutine_threadsafe(self.gateway.view(case), loop)
                return asked.result(VIEW_SECONDS)
            except (ConnectionFailed, TimeoutError):
                return None

        return About(
            standing=lambda: standing_of(event, self.ledger, view),
            email=lambda: self._email(event.customer),
        )

    def _email(self, customer: str) -> str | None:
        try:
            return read_contact(self.client, customer).email
        except stripe.InvalidRequestError:  # Stripe knows no such customer
            return None
        except stripe.StripeError as error:
            raise Unavailable(sentence(f"read the customer {customer}", error)) from None


def build_integrations(settings: Settings, ledger: Ledger, client: Client) -> list[Callable[..., Any]]:
    """The activity over the destinations that the settings name; raises as ``destinations_from``."""
    clock = clock_for(settings.clock_file)
    wanted = settings.integrations
    integrations = Integrations(
        destinations=destinations_from(wanted, clock),
        ledger=ledger,
        clock=clock,
        client=stripe_client(settings.stripe),
        gateway=CaseGateway(client),
        every_seconds=wanted.every_seconds,
        give_up_after=timedelta(days=wanted.give_up_days),
    )
    return [integrations.deliver]
