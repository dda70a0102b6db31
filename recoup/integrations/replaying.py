"""Delivering once more what was delivered, missed or parked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from recoup.errors import ConfigurationError
from recoup.integrations.published import is_public
from recoup.ledger import DeliveryState, EventRow, Ledger

_PAGE = 500


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is to be delivered again: one of the three."""

    events: tuple[int, ...] = ()
    since: datetime | None = None
    parked: bool = False


def replayed(ledger: Ledger, destination: str, wanted: Wanted, at: datetime) -> int:
    """Have it delivered again, in the order of the events; how many there are.

    What the destination has not come to yet is left out: it is delivered anyway.

    Raises:
        ConfigurationError: an event does not exist or is not public.
    """
    known = ledger.deliveries.register(destination, ledger.events.newest(), at)
    if wanted.parked:
        return _parked(ledger, destination, at)
    if wanted.since is not None:
        return _since(ledger, destination, wanted.since, known.taken, at)
    chosen = [_event(ledger, number) for number in wanted.events]
    return ledger.deliveries.again(destination, [(event.id, _subject(event)) for event in chosen], at)


def _parked(ledger: Ledger, destination: str, at: datetime) -> int:
    count = 0
    states = DeliveryState.REFUSED, DeliveryState.DEAD
    while rows := ledger.deliveries.late(destination, *states, limit=_PAGE):
        count += ledger.deliveries.again(destination, [(row.event, row.subject) for row in rows], at)
    return count


def _since(ledger: Ledger, destination: str, since: datetime, taken: int, at: datetime) -> int:
    count, last = 0, 0
    while last < taken and (page := ledger.events.since(last, _PAGE)):
        last = page[-1].id
        chosen = [event for event in page if event.at >= since and event.id <= taken and is_public(event)]
        count += ledger.deliveries.again(destination, [(event.id, _subject(event)) for event in chosen], at)
    return count


def _event(ledger: Ledger, number: int) -> EventRow:
    event = ledger.events.get(number)
    if event is None:
        raise ConfigurationError(f"The ledger has no event {number}")
    if not is_public(event):
        raise ConfigurationError(f"Event {number} ({event.kind}) is internal and is never delivered")
    return event


def _subject(event: EventRow) -> str:
    return event.customer or event.case_id or event.invoice or "nobody"
