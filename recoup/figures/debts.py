"""Debts: an invoice's first case and what came of it, and of its return. One debt is counted once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recoup.ledger.figures_rows import FigureCase
from recoup.rules.case import Outcome, Stage


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
    """Voided, or never a case for Recoup: in no rate, and shown beside it."""


ENDS: dict[Outcome | None, End] = {
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
    def over_at(self) -> datetime | None:
        """When nothing more could come of it; nothing while it is open."""
        return self.returned.closed_at if self.returned else self.case.closed_at


def debts_of(cases: Iterable[FigureCase]) -> list[Debt]:
    """The debts of these cases, in the order in which they come."""
    first: dict[str, FigureCase] = {}
    returned: dict[str, FigureCase] = {}
    for case in cases:
        if not case.is_return:
            first[case.invoice] = case
        elif case.outcome is not None and case.outcome.stage is Stage.RECOVERED:
            returned[case.invoice] = case
    return [Debt(case, returned.get(invoice)) for invoice, case in first.items()]
