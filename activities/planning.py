"""Planning: the moment of a case's next scheduled attempt, where its campaign lets that be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from recoup.billing import ChargeState, InvoiceState
from recoup.ledger import Ledger
from recoup.rules.base import days
from recoup.rules.case import PlannedAttempt, Trigger
from recoup.rules.policy import Campaign, RetryMode, Timing

_NOT_MADE = frozenset({"reserved", "skipped"})


def planned_attempt(
    ledger: Ledger, case_id: str, state: InvoiceState, charges: Sequence[ChargeState], now: datetime, cap: int
) -> PlannedAttempt | None:
    """The next scheduled attempt of a case, from the charges of its invoice as they were just read.

    ``None`` where the campaign fixes the days, or where nothing was refused that a plan could begin with. The limits of the networks are asked
    again, over all that happened to the card, when the attempt is made.
    """
    row = ledger.cases.get(case_id)
    if row is None:
        return None
    campaign = Campaign.model_validate(row.policy)
    refused = sorted(
        (charge for charge in charges if charge.decline is not None), key=lambda charge: charge.at
    )
    retries = campaign.retries
    if retries.timing is not Timing.PLANNED or retries.mode is RetryMode.OBSERVE or not refused:
        return None
    # numpy and the tables are loaded where a campaign plans, and nowhere else.
    from recoup.timing._stories import shipped_stories
    from recoup.timing.planner import plan
    from recoup.timing.situation import Limits, Situation, Tried

    made = [
        attempt
        for attempt in ledger.attempts.of_invoice(state.id)
        if attempt.trigger is Trigger.SCHEDULE
        and attempt.case_id == case_id
        and attempt.state not in _NOT_MADE
    ]
    gap = days(retries.min_gap_days)
    method = state.method
    situation = Situation(
        now=now,
        first_failed_at=min(row.failed_at, refused[0].at),
        tried=tuple(Tried(charge.at, charge.decline) for charge in refused if charge.decline is not None),
        amount=state.remaining.amount,
        currency=state.remaining.currency,
        country=method.country if method else None,
        brand=method.brand if method else None,
        funding=method.funding if method else None,
        case=case_id,
    )
    limits = Limits(
        until=row.failed_at + days(campaign.window_days),
        attempts_left=len(retries.after_days) - len(made),
        min_gap=gap,
        passing_gap=min(gap, timedelta(hours=6)),
        cap=cap,
    )
    said = plan(shipped_stories(), situation, limits)
    return PlannedAttempt(at=said.at, because=said.because, expected=said.expected)
