"""Checks of the destinations outside, without sending them anything."""

from __future__ import annotations

from pathlib import Path

from recoup.clock import clock_for
from recoup.doctor._findings import Finding, note, ok
from recoup.integrations.building import destinations_from
from recoup.integrations.status import DestinationStatus, status_of
from recoup.ledger import Ledger
from recoup.settings import Settings

WHAT = "integrations"


def destinations(settings: Settings) -> list[Finding]:
    """Every destination can be used; what is held or parked is a note."""
    made = destinations_from(settings.integrations, clock_for(settings.clock_file))
    if not made:
        return [note(WHAT, "no destination is configured: neither a CRM nor another system is told of cases")]
    kind, _, file = settings.database_url.partition(":///")
    if kind.startswith("sqlite") and not Path(file).exists():
        return [ok(WHAT, f"{len(made)} destination(s) can be used: {', '.join(made)}")]
    ledger = Ledger.connect(settings.database_url)
    try:
        found = [status_of(ledger, each.name, each.kind) for each in settings.integrations.destinations]
    finally:
        ledger.close()
    return [_finding(status) for status in found]


def _finding(status: DestinationStatus) -> Finding:
    known = status.known
    if known is not None and known.because is not None:
        return note(WHAT, f"{status.name}: {known.because}; {status.waiting} waiting, {status.parked} parked")
    if status.parked:
        return note(WHAT, f"{status.name}: {status.parked} parked; `recoup integrations status` says why")
    return ok(WHAT, f"{status.name} ({status.kind}) can be used")
