"""The way of the webhooks from Stripe to the starter: they come at once, late, twice, in any order, or never."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from recoup.chaos.faults import Fault
from recoup.chaos.runs import Run
from recoup.clock import Clock
from recoup.virtual.agenda import Agenda
from recoup.virtual.news import SUBSCRIBED, Event, News

AGAIN_AFTER = tuple(timedelta(minutes=minutes) for minutes in (5, 30, 120, 300, 600, 720, 720, 720, 720, 720))
"""When a webhook that was not acknowledged is sent again: as Stripe does, for three days."""
SHUFFLED = 10
"""So many webhooks in a row arrive in any order, within twenty minutes."""


@dataclass
class Post:
    """Fetches what Stripe has told and brings it to the starter."""

    news: News
    agenda: Agenda
    clock: Clock
    run_of: Callable[[Event], Run | None]
    starter: Callable[[bytes, Run | None], bool]
    """Takes a webhook; False where it was not acknowledged."""
    _shuffled: dict[int, int] = field(default_factory=dict)
    delivered: int = 0

    def collect(self, newest: str | None) -> None:
        """Fetch what is new up to the newest event, which the caller has heard of, and put its delivery on the agenda."""
        for event in self.news.up_to(newest):
            self._send(event)

    def _send(self, event: Event) -> None:
        run = self.run_of(event)
        if event["type"] not in SUBSCRIBED:
            return
        now = self.clock.now()
        delays = [timedelta(0)]
        if run is not None:
            delays = self._faulted(run, event)
            if run.post_late_until is not None and run.post_late_until > now:
                delays = [run.post_late_until - now]
        for delay in delays:
            self.agenda.put(now + delay, event["type"], lambda: self._deliver(event, run, 0))

    def _faulted(self, run: Run, event: Event) -> list[timedelta]:
        dice = random.Random(f"{run.plan.seed}/{event['type']}/{self.delivered}")  # noqa: S311
        if run.strikes(Fault.WEBHOOK_LOST):
            run.note("LOST", type=event["type"])
            return []
        if run.strikes(Fault.WEBHOOKS_SHUFFLED):
            self._shuffled[run.plan.seed] = SHUFFLED
        if self._shuffled.get(run.plan.seed, 0) > 0:
            self._shuffled[run.plan.seed] -= 1
            return [timedelta(minutes=dice.uniform(0, 20))]
        if run.strikes(Fault.WEBHOOK_LATE):
            return [timedelta(hours=dice.uniform(0.5, 60))]
        if run.strikes(Fault.WEBHOOK_DOUBLED):
            return [timedelta(0), timedelta(0), timedelta(hours=dice.uniform(0, 30))]
        return [timedelta(0)]

    def _deliver(self, event: Event, run: Run | None, tries: int) -> None:
        now = self.clock.now()
        taken = False
        if run is not None and run.strikes(Fault.STARTER_DOWN):
            dice = random.Random(f"{run.plan.seed}/down")  # noqa: S311
            run.starter_away_until = now + timedelta(hours=dice.uniform(0.1, 9))
        if run is None or run.starter_away_until is None or run.starter_away_until <= now:
            taken = self.starter(json.dumps(event).encode(), run)
            self.delivered += 1
        if run is not None:
            run.note("HOOK", type=event["type"], taken=taken)
        if not taken and tries < len(AGAIN_AFTER):
            self.agenda.put(
                now + AGAIN_AFTER[tries], event["type"], lambda: self._deliver(event, run, tries + 1)
            )
