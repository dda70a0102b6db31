"""Leaving a customer alone: kept in the ledger first, so that no case begins beside it, then told to their open cases."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from activities.people_contracts import CustomerExcluded
from recoup.errors import ConnectionFailed
from recoup.ledger import Ledger
from recoup.rules.base import Wire


class Tells(Protocol):
    """The part of :class:`recoup.temporal.gateway.CaseGateway` that this needs."""

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        """Signal a case; False when it is over or unknown."""
        ...


@dataclass(frozen=True, slots=True)
class Exclusion:
    """That a customer is to be left alone."""

    customer: str
    actor: str
    because: str
    request: str
    """The same again is the same word."""


@dataclass(frozen=True, slots=True)
class Became:
    """What became of it."""

    changed: bool
    """Whether the customer was not excluded before."""
    told: int
    """So many open cases have heard of it, and end."""


async def exclude(
    ledger: Ledger, tells: Tells, wanted: Exclusion, at: datetime, *, but: str | None = None
) -> Became:
    """Exclude the customer; all their open cases are told but one, which knows it already.

    Raises:
        ConnectionFailed: the exclusion holds, and a case has not heard of it; the same word again tells it.
    """
    told = {"actor": wanted.actor, "because": wanted.because, "unique": wanted.request}
    changed = await asyncio.to_thread(ledger.exclusions.exclude, wanted.customer, at, **told)
    cases = await asyncio.to_thread(ledger.cases.open_of_customer, wanted.customer)
    heard, left = 0, [case.id for case in cases if case.id != but]
    news = CustomerExcluded(at=at, because=wanted.because, operator=wanted.actor)
    for case in left:
        try:
            heard += await tells.tell(case, "customer_excluded", news)
        except ConnectionFailed as away:
            raise ConnectionFailed(
                f"{wanted.customer} is excluded, and {len(left) - heard} of their open cases have not heard of it: {away}; say it again"
            ) from away
    return Became(changed=changed, told=heard)
