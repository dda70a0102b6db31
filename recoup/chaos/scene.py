"""What the parts of a batch share while it is played."""

from __future__ import annotations

from dataclasses import dataclass, field

from recoup.chaos.people import People
from recoup.chaos.runs import Roster
from recoup.clock import Clock
from recoup.ledger import Ledger
from recoup.virtual.agenda import Agenda
from recoup.virtual.host import Host
from recoup.virtual.stripe import Stripe


@dataclass
class Scene:
    """The runs, the time, and everybody who takes part."""

    roster: Roster
    clock: Clock
    agenda: Agenda
    stripe: Stripe
    people: People
    ledger: Ledger
    host: Host = field(init=False)
    """Temporal; it comes last, because the faults are around it."""
