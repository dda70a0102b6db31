"""The ledger's past as the lines that a model learns from: what was known before each attempt, and what came of it.

Only attempts with a final answer are read, at the moment at which Stripe was asked, with the refusals before it and the card as it was read by
then. A case that ended otherwise (the customer paid, cancelled, brought another card) counts up to its last attempt: what the
bank would have said to the next one is not known, and nothing is made up for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from recoup.learning.facts import Failure, Refused, cards_in, failure_in
from recoup.ledger import AttemptRow, DecisionRow, Ledger, PastCase
from recoup.rules.case import AttemptState, Outcome, Trigger
from recoup.rules.declines import Decline
from recoup.timing.lines import AttemptLine, DeclineLine
from recoup.timing.lines import Outcome as Ended
from recoup.timing.situation import SLOT_HOURS
from recoup.timing.training import MOST_ATTEMPTS

_MADE = {AttemptState.PAID: "approved", AttemptState.DECLINED: "declined"}
_PAID_OTHERWISE = frozenset({Outcome.RECOVERED_BY_CUSTOMER, Outcome.RECOVERED_OUTSIDE})
_LEFT = frozenset({Outcome.LOST_CANCELLED, Outcome.LOST_CANCELLED_BY_CUSTOMER})
IN_TIME = timedelta(hours=SLOT_HOURS)
"""An attempt so long after its planned moment was made at it; a later one was held back by something else."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One thing that happened to the invoice."""

    at: datetime
    outcome: Ended
    decline: Decline | None
    method: str | None
    brand: str | None
    scheduled: bool = False
    propensity: float | None = None


def lines_of(past: PastCase, until: datetime | None = None) -> list[AttemptLine]:
    """The attempts at one invoice, the first failure included, in order; those whose answer came after ``until`` are left out."""
    failure = failure_in(past.read) or Failure(refused=_as_the_case_says(past))
    cards = cards_in(past.read)
    steps = sorted(_steps(past, failure, until), key=lambda step: step.at)
    if not steps:
        return []
    first = min(past.case.failed_at, steps[0].at)
    return [
        AttemptLine(
            case=past.case.id,
            first_failed_at=first,
            amount=past.case.amount,
            currency=past.case.currency,
            country=card.country,
            brand=step.brand or card.brand,
            funding=card.funding,
            at=step.at,
            number=number,
            decline=_line(step.decline),
            propensity=step.propensity,
            outcome=step.outcome,
            scheduled=step.scheduled,
        )
        for number, step in enumerate(steps, 1)
        for card in (cards.get(step.method or "", failure.card),)
    ]


def attempts_in(ledger: Ledger, until: datetime, most: int = MOST_ATTEMPTS) -> list[AttemptLine]:
    """The newest attempts of all cases, in order of time; whole cases, until at least ``most`` attempts were read."""
    found: list[AttemptLine] = []
    for past in ledger.past.newest_first():
        found += lines_of(past, until)
        if len(found) >= most:
            break
    return sorted(found, key=lambda line: (line.at, line.case, line.number))


def made_as_planned(past: PastCase) -> Iterator[tuple[DecisionRow, AttemptRow]]:
    """Each planned moment at which the schedule then made an attempt that has its answer."""
    for number, plan in enumerate(past.plans):
        at, after = planned_at(plan), past.plans[number + 1 : number + 2]
        for row in past.attempts:
            sent = row.sent_at
            if at is None or sent is None or row.trigger is not Trigger.SCHEDULE or row.state not in _MADE:
                continue
            if at <= sent < at + IN_TIME and all(sent <= later.at for later in after):
                yield plan, row
                break


def planned_at(plan: DecisionRow) -> datetime | None:
    """The moment that a plan chose."""
    said = plan.choice.get("at")
    return datetime.fromisoformat(said) if said else None


def _steps(past: PastCase, failure: Failure, until: datetime | None) -> Iterator[_Step]:
    drawn = {row.id: plan.propensity for plan, row in made_as_planned(past)}
    for one in failure.refused:
        yield _Step(one.at, "declined", one.decline, failure.card.method, one.decline.brand)
    known = {one.charge for one in failure.refused}
    for row in past.attempts:
        if row.state not in _MADE or row.sent_at is None or row.settled_at is None:
            continue
        if row.charge not in known and (until is None or row.settled_at <= until):
            yield _made(row, drawn.get(row.id))
    for seen in past.observed:
        if seen.charge not in known and seen.failed and (until is None or seen.seen_at <= until):
            yield _Step(seen.made_at, "declined", seen.decline, None, seen.brand)
    case = past.case
    if case.closed_at is None or (until is not None and case.closed_at > until):
        return
    if case.outcome in _PAID_OTHERWISE or case.outcome in _LEFT:
        ended: Ended = "updated" if case.outcome in _PAID_OTHERWISE else "cancelled"
        yield _Step(case.closed_at, ended, None, None, None)


def _made(row: AttemptRow, propensity: float | None) -> _Step:
    approved = row.state is AttemptState.PAID
    return _Step(
        at=row.sent_at or row.reserved_at,
        outcome="approved" if approved else "declined",
        decline=None if approved else row.decline,
        method=row.payment_method,
        brand=row.brand,
        scheduled=row.trigger is Trigger.SCHEDULE,
        propensity=propensity,
    )


def _as_the_case_says(past: PastCase) -> tuple[Refused, ...]:
    """The first failure of a case that began before the refusals were written down."""
    case = past.case
    if case.decline is None or any(seen.made_at <= case.opened_at for seen in past.observed):
        return ()
    return (Refused(at=case.failed_at, decline=case.decline),)


def _line(decline: Decline | None) -> DeclineLine | None:
    if decline is None:
        return None
    return DeclineLine(
        code=decline.code,
        advice=decline.advice_code,
        network_code=decline.network_decline_code,
        network_advice=decline.network_advice_code,
    )


def as_text(lines: Iterable[AttemptLine]) -> str:
    """The lines as a file of JSON lines."""
    return "".join(f"{line.model_dump_json(exclude_defaults=True)}\n" for line in lines)
