"""Living beside Stripe's own retries: how far a scheduled attempt keeps from them.

Stripe says when it will try next (``invoice.next_payment_attempt``) and shows when it tried last. Two engines that try one
card within hours look like an attack to its bank and use the networks' limits up for nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from recoup.rules.base import Moment, Wire


class StripeTries(Wire):
    """Stripe's own attempts at an invoice, as they were last read."""

    last: Moment | None = None
    """The latest one that is known of."""
    coming: Moment | None = None
    """The next one of its schedule; ``None`` where the schedule is over or switched off."""

    def updated(self, read: StripeTries) -> StripeTries:
        """What is known after a new reading: what is to come is the reading's, an attempt once seen is not forgotten."""
        seen = [at for at in (self.last, read.last) if at is not None]
        return StripeTries(last=max(seen, default=None), coming=read.coming)


def first_clear(at: datetime, tries: StripeTries, distance: timedelta) -> datetime:
    """The first moment from ``at`` on that is ``distance`` away from Stripe's last attempt and from its coming one.

    A coming attempt whose moment has passed counts as made then, until Stripe tells more.
    """
    clear = at if tries.last is None else max(at, tries.last + distance)
    if tries.coming is not None and tries.coming - distance <= clear < tries.coming + distance:
        return tries.coming + distance
    return clear


def beside_stripe(hours: float) -> str:
    """Why a scheduled attempt waits for Stripe's own ones."""
    return f"Stripe's own retries are left on, and {hours:g} hours are kept from each of them"
