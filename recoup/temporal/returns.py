"""Beginning a case under the first number that is free."""

from __future__ import annotations

from typing import Protocol

from activities.contracts import StartCase
from recoup.rules.money import Money

MOST_RETURNS = 50
"""So often at most may a customer come back for one invoice."""


class Beginner(Protocol):
    """Whoever can begin a case (:class:`recoup.temporal.gateway.CaseGateway`)."""

    async def begin(
        self,
        start: StartCase,
        *,
        customer: str | None = None,
        subscription: str | None = None,
        due: Money | None = None,
    ) -> bool:
        """True when it runs now, False when it ran before and is over."""
        ...


async def begin_case(
    gateway: Beginner,
    start: StartCase,
    *,
    customer: str | None = None,
    subscription: str | None = None,
    due: Money | None = None,
) -> bool:
    """Begin a case, or a return; False when it has run before.

    A return whose number was used up by a run that found nothing to do takes the next one.
    """
    last = 1 if start.return_number == 1 else start.return_number + MOST_RETURNS
    for number in range(start.return_number, last + 1):
        numbered = start.model_copy(update={"return_number": number})
        if await gateway.begin(numbered, customer=customer, subscription=subscription, due=due):
            return True
    return False
