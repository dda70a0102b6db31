"""Planning: the moment of a case's next scheduled attempt, where its campaign lets that be chosen."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from activities.contracts import Order
from recoup.billing import ChargeState, InvoiceState
from recoup.learning.facts import refused
from recoup.ledger import CaseRow, DecisionRecord, DecisionRow, Ledger
from recoup.ledger.past import TIMING
from recoup.rules.base import days
from recoup.rules.case import PlannedAttempt, Trigger
from recoup.rules.policy import Campaign, RetryMode, Timing

if TYPE_CHECKING:
    from recoup.learning.choosing import Choice
    from recoup.learning.models import Models
    from recoup.timing.situation import Limits, Situation

_NOT_MADE = frozenset({"reserved", "skipped"})


def planned_attempt(
    ledger: Ledger,
    models: Models | None,
    order: Order,
    state: InvoiceState,
    charges: Sequence[ChargeState],
    now: datetime,
    cap: int,
) -> PlannedAttempt | None:
    """The next scheduled attempt of a case, from the charges of its invoice as they were just read; recorded as a decision.

    ``None`` where the campaign fixes the days, or where nothing was refused that a plan could begin with. The limits of the networks are asked
    again, over all that happened to the card, when the attempt is made. Asked again for the same order, the answer is the first one.
    """
    row = ledger.cases.get(order.case_id)
    if row is None:
        return None
    campaign = Campaign.model_validate(row.policy)
    retries = campaign.retries
    if (
        retries.timing is not Timing.PLANNED
        or retries.mode is RetryMode.OBSERVE
        or not any(charge.decline for charge in charges)
    ):
        return None
    # numpy and the tables are loaded where a campaign plans, and nowhere else.
    from recoup.learning.choosing import choose, dice_of, pin

    before = ledger.past.plans_of(row.id)
    request = f"{order.request}{TIMING}"
    if known := next((plan for plan in before if plan.request == request), None):
        return _as_attempt(known)
    kept = next((str(plan.known["pinned"]) for plan in before if plan.known.get("pinned")), None)
    situation = _situation(row, state, charges, now)
    limits = _limits(ledger, row, campaign, state, cap)
    said = choose(
        retries, situation, limits, pin(models, kept, retries.model, now), dice_of(row.id, str(len(before)))
    )
    return _as_attempt(ledger.decisions.record(_record(row, said, situation, limits), request))


def _situation(row: CaseRow, state: InvoiceState, charges: Sequence[ChargeState], now: datetime) -> Situation:
    from recoup.timing.situation import Situation, Tried

    tried, method = refused(charges), state.method
    return Situation(
        now=now,
        first_failed_at=min(row.failed_at, tried[0].at),
        tried=tuple(Tried(one.at, one.decline) for one in tried),
        amount=state.remaining.amount,
        currency=state.remaining.currency,
        country=method.country if method else None,
        brand=method.brand if method else None,
        funding=method.funding if method else None,
        case=row.id,
    )


def _limits(ledger: Ledger, row: CaseRow, campaign: Campaign, state: InvoiceState, cap: int) -> Limits:
    from recoup.timing.situation import Limits

    retries, gap = campaign.retries, days(campaign.retries.min_gap_days)
    made = [
        attempt
        for attempt in ledger.attempts.of_invoice(state.id)
        if attempt.trigger is Trigger.SCHEDULE
        and attempt.case_id == row.id
        and attempt.state not in _NOT_MADE
    ]
    return Limits(
        until=row.failed_at + days(campaign.window_days),
        attempts_left=len(retries.after_days) - len(made),
        min_gap=gap,
        passing_gap=min(gap, timedelta(hours=6)),
        cap=cap,
    )


def _record(row: CaseRow, said: Choice, situation: Situation, limits: Limits) -> DecisionRecord:
    """What was known, what could have been chosen and how likely each was, and what the prior and the model would each have chosen."""
    at, expected = said.drawn.plan.at, said.drawn.plan.expected
    known: dict[str, Any] = {
        "decline": situation.tried[-1].decline.code,
        "tried": len(situation.tried),
        "attempts_left": limits.attempts_left,
        "until": limits.until.isoformat(),
        "amount": situation.amount,
        "currency": situation.currency,
        "country": situation.country,
        "brand": situation.brand,
        "funding": situation.funding,
        "pinned": said.pinned,
        "shadow": _shadow(said),
    }
    would = {who: plan.at.isoformat() if plan.at else None for who, plan in said.by.items()}
    return DecisionRecord(
        case_id=row.id,
        at=situation.now,
        rules_version=row.rules_version,
        policy_version=row.policy_version,
        known={name: value for name, value in known.items() if value is not None} | {"would": would},
        candidates=[
            {
                "at": one.at.isoformat(),
                "expected": one.expected,
                "prior": said.prior_chances[one.at],
                "loss": one.loss,
                "propensity": one.propensity,
            }
            for one in said.drawn.candidates
        ],
        choice={"kind": "plan", "at": at.isoformat() if at else None, "expected": expected},
        because=said.because,
        propensity=said.drawn.propensity,
        model=said.model,
    )


def _shadow(said: Choice) -> dict[str, Any] | None:
    """What a model that decides nothing would have chosen, from what, and how likely."""
    drawn = said.shadow
    if drawn is None:
        return None
    return {
        "model": said.pinned,
        "at": drawn.plan.at.isoformat() if drawn.plan.at else None,
        "expected": drawn.plan.expected,
        "propensity": drawn.propensity,
        "candidates": [
            {
                "at": one.at.isoformat(),
                "expected": one.expected,
                "loss": one.loss,
                "propensity": one.propensity,
            }
            for one in drawn.candidates
        ],
    }


def _as_attempt(plan: DecisionRow) -> PlannedAttempt:
    return PlannedAttempt(
        at=plan.choice["at"],
        because=plan.because,
        expected=plan.choice["expected"],
        model=plan.model,
        propensity=plan.propensity,
    )
