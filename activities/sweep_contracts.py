"""What the sweep's workflow and its activities say to each other; the rules of :mod:`activities.contracts` hold here too."""

from __future__ import annotations

from enum import StrEnum

from recoup.rules.base import Moment, Wire
from recoup.rules.case import Outcome
from recoup.rules.money import Money

RECONCILE_WORKFLOW = "Reconcile"


class SweepActivity(StrEnum):
    """The sweep's activities by the names under which the worker registers them."""

    LOOK = "sweep.look"
    MEND = "sweep.mend"


class Look(StrEnum):
    """What a sweep looks for, in this order: what is known of a debt first, then who works on it, then what nobody does."""

    UNSETTLED_ATTEMPTS = "unsettled_attempts"
    """Attempts that were reserved or sent, and have no result long after, while no case is busy with them."""
    ENDED_INVOICES = "ended_invoices"
    """Open cases whose invoice ended and nobody told them."""
    STOPPED_CASES = "stopped_cases"
    """Open cases that no workflow carries any more."""
    WITHHELD_ACCESS = "withheld_access"
    """Subscriptions that are still suspended although nothing of them is owed."""
    FORGOTTEN_INVOICES = "forgotten_invoices"
    """Failed invoices that never became a case."""

    @property
    def words(self) -> str:
        """What it looks at, for people to read."""
        return _LOOKED_AT[self]


_LOOKED_AT = {
    Look.UNSETTLED_ATTEMPTS: "attempts without a result",
    Look.ENDED_INVOICES: "invoices of open cases",
    Look.STOPPED_CASES: "workflows of open cases",
    Look.WITHHELD_ACCESS: "suspended subscriptions",
    Look.FORGOTTEN_INVOICES: "open invoices at Stripe",
}


class Finding(Wire):
    """One thing that is not as it should be."""

    look: Look
    subject: str
    """What it is about: the id of an invoice, a case or a subscription, or the key of an attempt."""
    because: str
    case_id: str | None = None
    invoice: str | None = None
    customer: str | None = None
    subscription: str | None = None
    attempt: int | None = None
    due: Money | None = None
    outcome: Outcome | None = None
    """How the invoice ended, where it has."""
    by_stripe: bool = False
    """Whether a retry of Stripe's own seems to have collected it."""


class LookOrder(Wire):
    """Look at one page."""

    look: Look
    after: str | None = None
    """Where the page before ended; ``None`` for the first."""


class Page(Wire):
    """What one page showed."""

    at: Moment
    looked: int
    findings: tuple[Finding, ...]
    after: str | None
    """Where the next page begins; ``None`` after the last."""


class MendOrder(Wire):
    """Mend one finding, if it still is one."""

    sweep: str
    finding: Finding


class Mended(Wire):
    """What became of a finding."""

    at: Moment
    did: str | None
    """What was done, as the ledger's event says it; ``None`` where it turned out that nothing had to be."""
    because: str


class Mend(Wire):
    """A finding and its end, in one line of the report."""

    look: Look
    subject: str
    did: str | None
    because: str


class Tally(Wire):
    """One look in figures."""

    look: Look
    looked: int = 0
    found: int = 0
    mended: int = 0
    left: int = 0
    """Findings that had mended themselves, or must wait."""
    failed: int = 0
    """Findings that could not be mended; the next sweep tries again."""
    problem: str | None = None
    """Why the look could not be finished."""


class StartSweep(Wire):
    """Begins a sweep; all fields but the first are set only when a long sweep continues as new."""

    by: str = "schedule"
    began_at: Moment | None = None
    look: Look | None = None
    after: str | None = None
    tallies: tuple[Tally, ...] = ()
    mends: tuple[Mend, ...] = ()


class SweepResult(Wire):
    """What a sweep found and mended."""

    began_at: Moment
    ended_at: Moment
    tallies: tuple[Tally, ...]
    mends: tuple[Mend, ...]
    """The first of them; the ledger's events have all."""

    @property
    def is_whole(self) -> bool:
        """Whether every look was finished and nothing was left that could not be mended."""
        return not any(tally.problem or tally.failed for tally in self.tallies)
