"""The one owner of virtual time: waits until all is quiet, then moves everything to the earliest next event.

Order at each moment: the sandbox goes there first and its webhooks are delivered; then the customers act whose time has
come; then each case whose step is due gets its one skip. Nothing is ever skipped on an old answer: a case is asked again,
with all else quiet, right before. A dead worker only means that it is not quiet yet.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from recoup.demo.cases import Cases, Picture
from recoup.demo.control import SandboxControl
from recoup.demo.people import People
from recoup.errors import RecoupError

LISTED_AFTER_SECONDS = 0.15
"""Temporal lists a workflow that has just begun within a tenth of a second."""
STALLED_SECONDS = 150.0
"""So long nothing may be quiet before the driver gives up: longer than Temporal takes to notice a lost activity."""
HORIZON = timedelta(days=120)
"""A world in which some case is open after so many days is never done."""
_POLL_SECONDS = 0.05


class Stalled(RecoupError):
    """Something never came to rest, or never ends; the sentence names it."""


@dataclass(frozen=True, slots=True)
class Moment:
    """What an observer is shown."""

    now: datetime
    picture: Picture | None = None
    """The running cases; None where only time has passed."""
    upcoming: datetime | None = None
    """The next event, as far as it is known."""


Observer = Callable[[Moment], None]
Hook = Callable[[], Awaitable[None]]


async def _nothing() -> None:
    return None


class Driver:
    """Moves the sandbox, the people and the cases through time, together."""

    def __init__(
        self,
        control: SandboxControl,
        cases: Cases,
        people: People,
        until: datetime,
        *,
        seconds_per_day: float = 0.0,
        observer: Observer = lambda _: None,
        between_looks: Hook = _nothing,
        patience: float = STALLED_SECONDS,
    ) -> None:
        """``until`` is the moment of the last renewal that matters: the run is not over before it.

        ``seconds_per_day`` is the real time that a virtual day takes at least. ``observer`` is shown every moment;
        ``between_looks`` runs between two looks, and may start a dead worker again. ``patience`` is how many real seconds
        something may take to come to rest.
        """
        self._control = control
        self._cases = cases
        self._people = people
        self._until = until
        self._pace = seconds_per_day
        self._observer = observer
        self._between_looks = between_looks
        self._patience = patience
        self._newest_delivery = 0
        self._unsettled_since = time.monotonic()
        self._last_skip = time.monotonic()

    async def run(self) -> datetime:
        """Drive until no case waits for a moment, nobody has anything in mind, and the last renewal is over; answers when.

        Raises:
            Stalled: something did not come to rest, or cases are still open after :data:`HORIZON`.
            ConnectionFailed: the sandbox or Temporal is gone.
        """
        horizon = self._until + HORIZON
        while True:
            now, picture = await self.settle()
            if now > horizon:
                raise Stalled(f"After {HORIZON.days} days some cases are still open: {_names(picture)}")
            if await self._act(now, picture):
                continue
            upcoming = await self._upcoming(now, picture)
            self._observer(Moment(now, picture, upcoming))
            if upcoming is None:
                return now
            await self._go_to(upcoming, now, in_real_time=bool(picture.waiting))

    async def settle(self) -> tuple[datetime, Picture]:
        """Wait until no webhook is under way, no card update runs and every case sleeps; answers what that looks like.

        Raises:
            Stalled: it was never quiet for too long.
        """
        deadline = time.monotonic() + self._patience
        while True:
            if await self._anything_delivered():
                self._unsettled_since = time.monotonic()
            picture = await self._cases.look()
            still = not picture.busy and not (await self._control.deliveries()).under_way
            if not still or await self._anything_delivered():
                self._unsettled_since = time.monotonic()
            elif time.monotonic() - self._unsettled_since >= LISTED_AFTER_SECONDS:
                return await self._control.now(), picture
            if time.monotonic() > deadline:
                raise Stalled(f"For {self._patience:.0f} s this did not come to rest: {_names(picture)}")
            self._observer(Moment(await self._control.now(), picture))
            await self._between_looks()
            await asyncio.sleep(_POLL_SECONDS)

    async def _act(self, now: datetime, picture: Picture) -> bool:
        """Do what is due at this moment, people before cases; False where nothing is."""
        acts = [act for act in self._people.planned() if act.at <= now]
        if acts:
            await self._people.do(acts[0])
            self._stir()
            return True
        due = [case for case in picture.waiting if case.due_at is not None and case.due_at <= now]
        if not due:
            return False
        skipped = [await self._cases.skip(case) for case in due]
        if any(skipped):
            self._last_skip = time.monotonic()
        elif time.monotonic() - self._last_skip > self._patience:
            raise Stalled(f"These are due and do not move: {', '.join(case.workflow_id for case in due)}")
        self._stir()
        await asyncio.sleep(_POLL_SECONDS)
        return True

    async def _upcoming(self, now: datetime, picture: Picture) -> datetime | None:
        """The earliest moment at which something of interest happens; None where all is over."""
        dues = [case.due_at for case in picture.waiting if case.due_at is not None]
        acts = [act.at for act in self._people.planned()]
        if not dues and not acts and now >= self._until:
            return None
        next_event = (await self._control.deliveries()).next_event_at
        return min(
            [
                *dues,
                *acts,
                *([next_event] if next_event else []),
                *([self._until] if now < self._until else []),
            ]
        )

    async def _go_to(self, moment: datetime, now: datetime, *, in_real_time: bool) -> None:
        """Move the sandbox there, at the pace that was asked for; what somebody does meanwhile stops the move."""
        ahead = (moment - now).total_seconds()
        wait = ahead / 86_400 * self._pace if in_real_time else 0.0
        ends = time.monotonic() + wait
        while (left := ends - time.monotonic()) > 0:
            shown = moment - timedelta(seconds=ahead * left / wait)
            self._observer(Moment(shown, upcoming=moment))
            await asyncio.sleep(min(left, 0.1))
            if await self._anything_delivered():
                self._stir()
                return
        upcoming = (await self._control.deliveries()).next_event_at
        reached = await self._control.move_to(max(moment, await self._control.now()))
        if upcoming is not None and upcoming <= reached:
            self._stir()

    async def _anything_delivered(self) -> bool:
        newest = await self._control.delivered_since(self._newest_delivery)
        changed, self._newest_delivery = newest != self._newest_delivery, newest
        return changed

    def _stir(self) -> None:
        """Something was set in motion: do not trust a quiet look before Temporal has had time to list it."""
        self._unsettled_since = time.monotonic()


def _names(picture: Picture) -> str:
    named = [*picture.busy, *(case.workflow_id for case in picture.waiting)]
    return ", ".join(named[:5]) or "webhooks on their way"
