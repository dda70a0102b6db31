"""What a customer asks for on their page, carried to the cases and to Temporal.

Nothing is done here: a promise goes to each case as an update, everything else becomes a workflow that was accepted durably
before the page answers. Each may be sent twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar

import structlog

from activities.contracts import WhatWillHappen
from activities.wish_contracts import PromiseToPay, Wish, WishKind, WishResult
from recoup.rules.base import Wire, days
from recoup.rules.customer_page import CancelWhen
from recoup.temporal.gateway import CaseOver, UpdateRefused
from recoup.web.customer._offers import Choice
from recoup.web.stripe_side import Subscribed

Told = TypeVar("Told")
AT_ONCE = 50
"""So many words are said to Temporal side by side."""

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
            TemporalAway: a case did not answer; others may have taken the promise.
        """
        word = PromiseToPay(at=self.now, until=self.now + days(in_days))
        return all(await _at_once(self._take(case, word) for case in cases))

    async def _take(self, case: str, word: PromiseToPay) -> bool:
        try:
            await self.cases.update(case, "promise_to_pay", word)
        except (CaseOver, UpdateRefused) as refused:
            _log.info("promise_refused", case=case, because=str(refused))
            return False
        return True

    async def cancel(self, subscriptions: Iterable[str], when: CancelWhen) -> bool:
        """Cancel each of these subscriptions; whether all of it is done, and not still being done.

        Raises:
            TemporalAway: one is not known to be accepted; others may be.
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
        return None not in await _at_once(self.cases.wish(wish) for wish in wishes)


async def _at_once(words: Iterable[Coroutine[Any, Any, Told]]) -> list[Told]:
    """Say them all, waiting for none before the next: somebody with a hundred subscriptions looks at the page meanwhile."""
    few = asyncio.Semaphore(AT_ONCE)

    async def say(word: Coroutine[Any, Any, Told]) -> Told:
        async with few:
            return await word

    said = await asyncio.gather(*(say(word) for word in words), return_exceptions=True)
    for answer in said:
        if isinstance(answer, BaseException):
            raise answer
    return [answer for answer in said if not isinstance(answer, BaseException)]
