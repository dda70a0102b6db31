"""How a destination stands, for a terminal or a program."""

from __future__ import annotations

from datetime import datetime

from recoup.ledger import DeliveryRow, DeliveryState, DestinationRow, Ledger
from recoup.rules.base import Frozen

SHOWN = 20
"""So many parked deliveries are listed."""


class DestinationStatus(Frozen):
    """One destination."""

    name: str
    kind: str
    known: DestinationRow | None
    """``None``: no worker has looked after it yet."""
    behind: int
    """Events, internal ones too, that have not been looked at."""
    waiting: int
    parked: int
    """Refused, or dead."""
    listed: tuple[DeliveryRow, ...]
    """The first of the parked ones."""


def status_of(ledger: Ledger, name: str, kind: str) -> DestinationStatus:
    """What the ledger knows of a destination."""
    known, counts = ledger.deliveries.get(name), ledger.deliveries.counts(name)
    return DestinationStatus(
        name=name,
        kind=kind,
        known=known,
        behind=max(ledger.events.newest() - known.taken, 0) if known else 0,
        waiting=counts.get(DeliveryState.WAITING, 0),
        parked=counts.get(DeliveryState.REFUSED, 0) + counts.get(DeliveryState.DEAD, 0),
        listed=tuple(ledger.deliveries.late(name, DeliveryState.REFUSED, DeliveryState.DEAD, limit=SHOWN)),
    )


def lines_of(status: DestinationStatus, now: datetime) -> list[str]:
    """A line for the destination, one for its trouble, one for each parked delivery."""
    known = status.known
    if known is None:
        return [f"{status.name} ({status.kind}): no worker has looked after it yet"]
    figures = f"{known.delivered} delivered, {status.waiting} waiting, {status.parked} parked"
    lines = [f"{status.name} ({status.kind}): {figures}, {status.behind} events behind"]
    if known.because:
        held = known.held_until
        again = f"; tried again at {held:%Y-%m-%d %H:%M:%S} UTC" if held is not None and held > now else ""
        lines.append(f"  {known.because}{again}")
    lines += [
        f"  event {row.event}, {row.subject}, {row.state.value}: {row.because}" for row in status.listed
    ]
    if status.parked > len(status.listed):
        lines.append(f"  … and {status.parked - len(status.listed)} more parked")
    return lines
