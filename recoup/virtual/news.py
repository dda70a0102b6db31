"""What Stripe has told: its events in their order, fetched over the API, and the starter that hears of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx2

from recoup.clock import Clock
from recoup.virtual.product import STARTER, WEBHOOK_SECRET
from recoup.virtual.stripe import Stripe
from recoup.web.webhooks.routing import ROUTES
from recoup.web.webhooks.signature import sign

SUBSCRIBED = frozenset(ROUTES) - {
    "invoice.updated",
    "payment_intent.payment_failed",
    "payment_intent.requires_action",
}
"""The events that an endpoint is set up for; the most frequent of those that say nothing new are left out."""
_PAGE = 100

Event = dict[str, Any]


@dataclass
class News:
    """Fetches the events of a Stripe, each once and the oldest first."""

    stripe: Stripe
    key: str
    _newest: str | None = None

    def up_to(self, newest: str | None) -> Iterator[Event]:
        """What is new up to the newest event, which the caller has heard of."""
        if newest == self._newest:
            return
        if self._newest is None:
            found = self.stripe.all("/v1/events", self.key)[::-1]
        else:
            found = list(self._since(self._newest))
        for event in found:
            self._newest = event["id"]
            yield event

    def _since(self, newest: str) -> Iterator[Event]:
        while True:
            page = self.stripe.api("/v1/events", self.key, limit=_PAGE, ending_before=newest)
            yield from page["data"][::-1]
            if not page["has_more"]:
                return
            newest = page["data"][0]["id"]


class Intake:
    """The starter's side of a webhook: signed as Stripe signs it, and acknowledged or not."""

    def __init__(self, app: httpx2.ASGITransport, clock: Clock) -> None:
        self._app = httpx2.AsyncClient(transport=app, base_url=STARTER, trust_env=False)
        self._clock = clock
        self._loop = asyncio.Runner()

    def close(self) -> None:
        """Nothing is delivered any more."""
        self._loop.close()

    def take(self, body: bytes) -> bool:
        """Give a webhook to the starter; whether it was acknowledged."""
        headers = {"stripe-signature": sign(body, WEBHOOK_SECRET, self._clock.now())}
        return self._loop.run(self._app.post("/webhooks/stripe", content=body, headers=headers)).is_success
