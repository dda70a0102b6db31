"""One pass over what a destination has not got yet: late deliveries that are due, then new events, in order."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import structlog

from activities.integration_contracts import Delivered
from recoup.clock import Clock
from recoup.integrations.destination import About, Destination, Refused, Unavailable
from recoup.integrations.published import PublicEvent, is_public, publish
from recoup.ledger import DeliveryState, EventRow, Ledger

CLAIM = timedelta(minutes=3)
"""A worker has a destination for so long after each delivery it begins; longer than one can take."""
PASS_SECONDS = 60.0
PAGE = 200

FIRST_PAUSE = timedelta(seconds=30)
LONGEST_PAUSE = timedelta(hours=1)
LONGEST_ASKED = timedelta(hours=24)
FAILURES_IN_A_ROW = 3
"""After so many failures of different events it is the destination that does not work."""

_log = structlog.get_logger("recoup.integrations")


def pause(failures: int, asked: float | None) -> timedelta:
    """How long to wait after so many failures: doubling, a part of it by chance, or what the destination asks for."""
    if asked is not None:
        return timedelta(seconds=min(asked + random.random(), LONGEST_ASKED.total_seconds()))  # noqa: S311 - spreads, no secret
    doublings = min(max(failures - 1, 0), 20)
    whole = min(FIRST_PAUSE * int(2**doublings), LONGEST_PAUSE)
    return whole * (0.5 + random.random() / 2)  # noqa: S311 - spreads workers, no secret


def concerned(ledger: Ledger, event: EventRow) -> PublicEvent | None:
    """The event as it leaves, with the cases it concerns; None where it stays inside."""
    if not is_public(event):
        return None
    if event.case_id is not None:
        case = ledger.cases.get(event.case_id)
        return publish(event, [case] if case else [])
    if ledger.attempts.has_told_of_itself(event):
        return None
    if event.invoice is not None:
        return publish(event, ledger.cases.by_invoice(event.invoice)[::-1])
    return publish(event, ledger.cases.concerned(event.customer, event.at) if event.customer else [])


@dataclass
class Courier:
    """Delivers to one destination."""

    destination: Destination
    ledger: Ledger
    clock: Clock
    by: str
    about: Callable[[PublicEvent], About]
    give_up_after: timedelta
    stopped: Callable[[], bool] = lambda: False

    _passed: int = 0
    _page: deque[EventRow] = field(default_factory=deque)

    def run(self) -> Delivered:
        """Deliver until nothing is left, the destination does not answer, or a minute is over."""
        name, book, began = self.destination.name, self.ledger.deliveries, self.clock.now()
        if book.get(name) is None:
            # A new destination begins with what happens from now on; `recoup integrations replay` sends what was before.
            book.register(name, self.ledger.events.newest(), began)
        mine = book.claim(name, self.by, began, CLAIM)
        if mine is None:
            return Delivered(at=began, because="another worker delivers to it")
        if mine.held_until is not None and mine.held_until > began:
            book.release(name, self.by, mine.taken)
            return self._report(Delivered(at=began), mine.held_until)
        self._passed = mine.taken
        done = self._deliver_all(Delivered(at=began), began + timedelta(seconds=PASS_SECONDS))
        book.release(name, self.by, self._passed)
        after = book.get(name)
        return self._report(done, after.held_until if after else None)

    def _deliver_all(self, done: Delivered, until: datetime) -> Delivered:
        while not self.stopped():
            if self.clock.now() >= until:
                return done.model_copy(update={"more": True})
            due = self._next()
            if due is None:
                return done
            state, hold = self._deliver(due)
            counted = {DeliveryState.DELIVERED: "delivered", DeliveryState.WAITING: "put_off"}.get(
                state, "refused"
            )
            done = done.model_copy(update={counted: getattr(done, counted) + 1})
            if hold:
                return done
        return done

    def _next(self) -> PublicEvent | None:
        """The next event to deliver: a late one that is due, else the next new one that is not behind a late one."""
        name, book = self.destination.name, self.ledger.deliveries
        while (late := book.next_due(name, self.clock.now())) is not None:
            event = self.ledger.events.get(late.event)
            public = concerned(self.ledger, event) if event else None
            if public is not None and self.destination.wants(public):
                return public
            book.drop(name, self.by, late.event)
        while (event := self._next_new()) is not None:
            public = concerned(self.ledger, event)
            if public is not None and self.destination.wants(public):
                if not book.waits(name, public.customer):
                    return public
                book.queue_behind(name, self.by, event.id, public.customer, self.clock.now())
            self._passed = event.id
        return None

    def _next_new(self) -> EventRow | None:
        while self._page and self._page[0].id <= self._passed:
            self._page.popleft()
        if not self._page:
            self._page.extend(self.ledger.events.since(self._passed, PAGE))
        return self._page[0] if self._page else None

    def _deliver(self, event: PublicEvent) -> tuple[DeliveryState, bool]:
        """Deliver one event and write down what came of it; whether nothing else should be tried now."""
        name, book = self.destination.name, self.ledger.deliveries
        repeated = book.begin(name, self.by, event.id, self.clock.now(), CLAIM)
        try:
            self.destination.deliver(event, self.about(event), repeated=repeated)
        except Refused as error:
            self._passed = max(self._passed, event.id)
            at = self.clock.now()
            book.refused(name, self.by, event.id, event.customer, at, str(error), error.status)
            _log.warning("delivery_refused", destination=name, event_id=event.id, because=str(error))
            return DeliveryState.REFUSED, False
        except Unavailable as error:
            return self._put_off(event, error)
        except Exception as error:  # noqa: BLE001 - an answer nobody thought of must not keep all others
            _log.exception("delivery_failed", destination=name, event_id=event.id)
            return self._put_off(event, Unavailable(f"It could not be delivered: {type(error).__name__}"))
        self._passed = max(self._passed, event.id)
        book.succeeded(name, self.by, event.id, self.clock.now())
        return DeliveryState.DELIVERED, False

    def _put_off(self, event: PublicEvent, error: Unavailable) -> tuple[DeliveryState, bool]:
        name, book, at = self.destination.name, self.ledger.deliveries, self.clock.now()
        before = book.get(name)
        failures = (before.failures if before else 0) + 1
        hold = error.everywhere or failures >= FAILURES_IN_A_ROW
        self._passed = max(self._passed, event.id)
        row = book.put_off(
            name,
            self.by,
            event.id,
            event.customer,
            at,
            next_at=at + pause(failures, error.retry_after),
            because=str(error),
            status=error.status,
            hold=hold,
            give_up_after=self.give_up_after,
        )
        _log.warning(
            "delivery_put_off", destination=name, event_id=event.id, because=str(error), state=row.state.value
        )
        return row.state, hold

    def _report(self, done: Delivered, held_until: datetime | None) -> Delivered:
        row = self.ledger.deliveries.get(self.destination.name)
        because = row.because if row else None
        if held_until is not None and held_until > self.clock.now() and because:
            because = f"{because}; it is tried again at {held_until:%Y-%m-%d %H:%M:%S} UTC"
        return done.model_copy(update={"because": because})
