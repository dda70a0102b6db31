"""A customer who owes nothing puts a new card on file through the update link: everything renews with it."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from recoup.temporal.gateway import CaseGateway
from recoup.web.stripe_side import StripeBilling
from recoup.web.webhooks import Dispatcher, route
from recoup.web.webhooks.dispatch import Delivery
from recoup.web.webhooks.shapes import Event
from tests.cards.stage import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_subscriptions_own_default_is_replaced_too(stage: Stage) -> None:
    """Stripe's page sets the customer's default alone; the old card that a subscription holds on to is replaced as well."""
    now = stage.clock.now()

    def prepare() -> tuple[str, str, str]:
        customer = stage.customer()
        old = stage.card(customer, (2026, 12))
        subscription = stage.subscribe(customer, now + timedelta(days=20), default_payment_method=old)
        new = stage.card(customer, (2035, 1), kind="other")
        return customer, subscription, new

    customer, subscription, new = await stage.in_thread(prepare)
    link = stage.ledger.links.issue(customer, "update", now + timedelta(days=45), now)
    stage.ledger.links.note_used(link.id, now)
    gateway = CaseGateway(stage.client)
    dispatcher = Dispatcher(stage.ledger, gateway, StripeBilling(stage.sandbox.client()), stage.clock)
    events = await stage.in_thread(stage.api.events.list, {"type": "customer.updated", "limit": 1})
    event = events.data[0].to_dict()
    await dispatcher.dispatch(Delivery.of(Event.model_validate(event)), route(event))

    def own_default() -> str:
        return str(stage.api.subscriptions.retrieve(subscription).default_payment_method)

    for _ in range(200):
        if await stage.in_thread(own_default) == new:
            break
        await asyncio.sleep(0.1)
    assert await stage.in_thread(own_default) == new
    assert [mark.customer for mark in stage.ledger.mirror.marked(5)] == [customer]
    await stage.mirrored()
    assert [entry.card.method for entry in stage.ledger.mirror.of_customer(customer)] == [new]
