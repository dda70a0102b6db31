"""Debts: an invoice's first case and what came of it, and of its return. One debt is counted once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recoup.figures.selection import Selection
from recoup.ledger.figures_rows import FigureCase
from recoup.rules.case import Outcome, Stage
from recoup.statistics.survival import Span

LEFT_OUT = (Outcome.CLOSED_VOIDED, Outcome.CLOSED_EXCLUDED)
"""What was never owed, or never a case for Recoup: in no rate, and shown beside it."""


class End(StrEnum):
    """How a debt stands. Every debt is in exactly one of these."""

    RECOVERED = "recovered"
    OPEN = "open"
    SUSPENDED = "suspended"
    """The campaign ended without the money."""
    CANCELLED = "cancelled"
    """The subscription ended first, by the customer or by somebody unknown."""
    WRITTEN_OFF = "written_off"
    """Uncollectible, disputed, or stopped by an operator."""
    LEFT_OUT = "left_out"
    """Voided, or never a case: see :data:`LEFT_OUT`."""


_ENDS: dict[Outcome | None, End] = {
    None: End.OPEN,
    **dict.fromkeys(Outcome, End.WRITTEN_OFF),
    **{outcome: End.RECOVERED for outcome in Outcome if outcome.stage is Stage.RECOVERED},
    Outcome.LOST_SUSPENDED: End.SUSPENDED,
    Outcome.LOST_CANCELLED: End.CANCELLED,
    Outcome.LOST_CANCELLED_BY_CUSTOMER: End.CANCELLED,
    Outcome.CLOSED_VOIDED: End.LEFT_OUT,
    Outcome.CLOSED_EXCLUDED: End.LEFT_OUT,
}


@dataclass(frozen=True, slots=True)
class Debt:
    """One failed invoice."""

    case: FigureCase
    """Its first case, whose outcome is the debt's."""
    returned: FigureCase | None = None
    """The return that collected it after a suspension, if one did."""

    @property
    def end(self) -> End:
        """How it stands."""
        return _ENDS[self.case.outcome]

    @property
    def is_recovered(self) -> bool:
        """Whether its first case collected it."""
        return self.end is End.RECOVERED

    def recovered_within(self, span: timedelta) -> bool:
        """Whether its first case collected it within so long after the failure."""
        closed = self.case.closed_at
        return self.is_recovered and closed is not None and closed <= self.case.failed_at + span

    def had(self, span: timedelta, now: datetime) -> bool:
        """Whether so long has passed since the failure."""
        return self.case.failed_at + span <= now

    def span(self, now: datetime) -> Span:
        """How many days it was in recovery, and how that ended."""
        until = self.case.closed_at or now
        lasted = max(0.0, (until - self.case.failed_at) / timedelta(days=1))
        return Span(lasted, None if self.end is End.OPEN else self.end.value)


def debts_of(cases: Iterable[FigureCase], selection: Selection) -> list[Debt]:
    """The debts whose first case is one of those asked for, whenever it failed, in the order in which they failed."""
    first: dict[str, FigureCase] = {}
    returned: dict[str, FigureCase] = {}
    for case in cases:
        if not case.is_return:
            first[case.invoice] = case
        elif case.outcome is not None and case.outcome.stage is Stage.RECOVERED:
            returned[case.invoice] = case
    return [Debt(case, returned.get(invoice)) for invoice, case in first.items() if selection.concerns(case)]
