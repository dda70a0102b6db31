"""Moving virtual time: Stripe's clock first, then whatever is due by it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from recoup.clock import Clock
from recoup.errors import RecoupError
from recoup.virtual.agenda import Agenda
from recoup.virtual.stripe import Stripe

MOST_DEEDS = 10_000
"""So much is never due within one moment: where more is, things go round in a circle."""


class Endless(RecoupError):
    """What is due is never done, because doing it makes it due again."""


@dataclass
class Mover:
    """Does what is due, and moves on to what comes next."""

    stripe: Stripe
    agenda: Agenda
    clock: Clock
    collect: Callable[[str | None], None]
    """Is told the newest event that Stripe knows of, whenever it was looked at."""
    changed: Callable[[], bool]
    """Whether something may have been changed at Stripe since this was asked last."""
    _next_event: datetime | None = field(default=None, init=False)

    def look(self, move_to: datetime | None = None) -> None:
        """See what Stripe has told, after moving its clock where that is asked for."""
        told = self.stripe.look() if move_to is None else self.stripe.move_to(move_to)
        self._next_event = told.next_event_at
        self.collect(told.newest_event)

    def work_off(self) -> None:
        """Do all that is due now.

        Raises:
            Endless: it goes round in a circle, and time would never move.
        """
        what = "nothing"
        for _ in range(MOST_DEEDS):
            if self.changed():
                self.look()
            due = self.agenda.next_at
            if due is None or due > self.clock.now():
                return
            what, deed = self.agenda.take()
            deed()
        raise Endless(f"More than {MOST_DEEDS} things were due within one moment, the last of them: {what}")

    def upcoming(self, horizon: datetime, *others: datetime | None) -> datetime | None:
        """The earliest moment, of Stripe's, of the agenda's and of the others, at which something is to be done; None: nothing before the horizon."""
        event = self._next_event if self._next_event and self._next_event < horizon else None
        moments = [moment for moment in (self.agenda.next_at, event, *others) if moment is not None]
        if not moments or min(moments) > horizon:
            return None
        return max(min(moments), self.clock.now())
