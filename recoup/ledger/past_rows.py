"""What the ledger gives back about the past of cases."""

from __future__ import annotations

from datetime import datetime

from recoup.ledger.rows import AttemptRow, CaseRow, DecisionRow, EventRow
from recoup.rules.base import Frozen
from recoup.rules.declines import Decline


class ObservedRow(Frozen):
    """A charge that somebody else made: Stripe by itself, or the customer on a page of Stripe's."""

    charge: str
    invoice: str | None
    customer: str | None
    fingerprint: str | None
    brand: str | None
    amount: int
    currency: str
    failed: bool
    decline: Decline | None
    made_at: datetime
    seen_at: datetime


class PastCase(Frozen):
    """A case with all that was known and done: what there is to learn from it."""

    case: CaseRow
    attempts: tuple[AttemptRow, ...]
    """In the order in which they were reserved."""
    observed: tuple[ObservedRow, ...]
    """By the moment they were made."""
    read: tuple[EventRow, ...]
    """Its events ``failure_read`` and ``card_read``."""
    plans: tuple[DecisionRow, ...]
    """Its planned moments."""
