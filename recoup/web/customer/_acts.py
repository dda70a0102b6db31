"""What a customer asks for on their page, carried to the cases and to Temporal.

Nothing is done here: a promise goes to each case as an update, everything else becomes a workflow that was accepted durably
before the page answers. Each may be sent twice.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog

from activities.contracts import WhatWillHappen
from activities.wish_contracts import PromiseToPay, Wish, WishKind, WishResult
from recoup.rules.base import Wire, days
from recoup.rules.customer_page import CancelWhen
from recoup.temporal.gateway import CaseOver, UpdateRefused
from recoup.web.customer._offers import Choice
from recoup.web.stripe_side import Subscribed

_log = structlog.get_logger(__name__)


class Cases(Protocol):
    """The part of :class:`recoup.temporal.gateway.CaseGateway` that the customer's page needs."""

    async def update(self, case: str, name: str, payload: Wire) -> WhatWillHappen:
        """Give a word to a case."""
        ...

    async def wish(self, wish: Wish) -> WishResult | None:
        """Have a wish carried out."""
        ...


@dataclass(frozen=True, slots=True)
class Acts:
    """The acts of one customer at one moment."""

    cases: Cases
    customer: str
    now: datetime

    async def promise(self, cases: Iterable[str], in_days: int) -> bool:
        """Promise each of these cases to pay in so many days; whether all of them take it, now or before.

        Raises:
            TemporalAway: a case did not answer; those before it have taken the promise.
        """
        word = PromiseToPay(at=self.now, until=self.now + days(in_days))
        taken = True
        for case in cases:
            try:
                await self.cases.update(case, "promise_to_pay", word)
            except (CaseOver, UpdateRefused) as refused:
                _log.info("promise_refused", case=case, because=str(refused))
                taken = False
        return taken

    async def cancel(self, subscriptions: Iterable[str], when: CancelWhen) -> bool:
        """Cancel each of these subscriptions; whether all of it is done, and not still being done.

        Raises:
            TemporalAway: one is not known to be accepted; those before it are.
        """
        wishes = [
            self._wish(WishKind.CANCEL, each).model_copy(update={"cancel": when}) for each in subscriptions
        ]
        return await self._all(wishes)

    async def pause(self, subscription: Subscribed, for_days: int) -> bool:
        """Make no invoice for so many days; as above."""
        until = {"until": self.now + days(for_days)}
        return await self._all([self._wish(WishKind.PAUSE, subscription.id).model_copy(update=until)])

    async def switch(self, choice: Choice) -> bool:
        """Take a smaller plan; as above."""
        prices = {"price": choice.before.price, "smaller_price": choice.after.price}
        wish = self._wish(WishKind.SMALLER_PLAN, choice.subscription.id)
        return await self._all([wish.model_copy(update=prices)])

    def _wish(self, kind: WishKind, subscription: str) -> Wish:
        return Wish(kind=kind, customer=self.customer, subscription=subscription, at=self.now)

    async def _all(self, wishes: list[Wish]) -> bool:
        results = [await self.cases.wish(wish) for wish in wishes]
        return None not in results
