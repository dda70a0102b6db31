"""A case of the past, played again through the real rules under any campaign, as far as that can be known.

A case is played from its failure under a campaign as if every attempt were refused, in the words that its bank was using at that time, until it
really ended by somebody else's doing, until an attempt of the past that was approved is met within three hours, or until the suspension.
Messages, attempts, held-back attempts and suspensions of such a course are exact; whether a bank would have approved at another moment
is not known, and nothing here says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from recoup.learning.past import IN_TIME, lines_of
from recoup.ledger import PastCase
from recoup.rules import approving, fold
from recoup.rules.base import days
from recoup.rules.case import Case, MessageState, Outcome, PlannedAttempt, Trigger
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.networks import may_attempt, rules_for
from recoup.rules.policy import Campaign, Timing
from recoup.rules.step import Step, StepKind
from recoup.rules.steps import next_step
from recoup.timing._stories import Stories
from recoup.timing.lines import AttemptLine, DeclineLine, situation_of
from recoup.timing.planner import plan
from recoup.timing.situation import Limits, Tried

_MOST_STEPS = 400
_PASSING_GAP = timedelta(hours=6)


class End(StrEnum):
    """What a case that is played again comes to."""

    SUSPENDED = "suspended"
    AS_IT_WAS = "as_it_was"
    """It really ended by the customer's, an operator's or Stripe's doing before this policy would have ended it."""
    PAID_BY_RETRY = "paid_by_retry"
    """An attempt falls on the one that was really approved."""
    UNKNOWN = "unknown"
    """It was really paid by a retry at a moment at which this policy makes none; what its other attempts would have met is not known."""
    WAITS = "waits"
    """It waits for a person, for Stripe's own retries, or for nothing more."""


@dataclass(frozen=True, slots=True)
class Played:
    """One case under one campaign."""

    case: str
    campaign: str
    end: End
    at: datetime
    messages: tuple[str, ...]
    """The templates that would have been due, in order; quiet hours and the customer's budget may hold some back."""
    attempts: tuple[datetime, ...]
    held_back: int
    """How often the networks' limits said "not before" or "never"."""
    breaches: int
    """Attempts that pass a limit all the same: none, or the guard is broken."""
    days_to_suspension: float | None


@dataclass(frozen=True, slots=True)
class _Past:
    """What is known of a case, whatever the campaign."""

    lines: Sequence[AttemptLine]
    brand: str
    opened: datetime
    others: tuple[datetime, ...]
    """Attempts that the schedule did not make: Stripe's own, a customer's, an operator's."""
    approved: datetime | None
    """When a scheduled attempt of ours was approved."""
    ended: datetime | None
    """When it ended by somebody else's doing; an end of the campaign's own making is no end of another's."""

    @classmethod
    def of(cls, past: PastCase) -> _Past | None:
        lines = [line for line in lines_of(past) if line.outcome in ("approved", "declined")]
        if not lines or past.case.closed_at is None or lines[0].outcome != "declined":
            return None
        paid = [line.at for line in lines if line.scheduled and line.outcome == "approved"]
        own = past.case.outcome is Outcome.LOST_SUSPENDED or bool(paid)
        return cls(
            lines=lines,
            brand=(lines[0].brand or "").lower(),
            opened=past.case.opened_at,
            others=tuple(line.at for line in lines if not line.scheduled),
            approved=paid[-1] if paid else None,
            ended=None if own else past.case.closed_at,
        )

    def decline_at(self, at: datetime) -> Decline:
        """In which words the bank refused at that time."""
        known = [line for line in self.lines if line.outcome == "declined"]
        latest = max((line for line in known if line.at <= at), key=lambda line: line.at, default=known[0])
        return (latest.decline or DeclineLine()).as_decline(latest.brand or self.brand or None)


@dataclass
class _Course:
    """A case on its way."""

    past: PastCase
    known: _Past
    stories: Stories
    cap: int
    case: Case
    now: datetime
    tried: list[datetime]
    messages: list[str] = field(default_factory=list)
    attempts: list[datetime] = field(default_factory=list)
    held_back: int = 0
    breaches: int = 0

    def play(self) -> tuple[End, datetime]:
        """Follow the rules to an end."""
        self._plan()
        for _ in range(_MOST_STEPS):
            step = next_step(self.case, self.case.campaign, self.now)
            due = max(self.now, step.due_at) if step.due_at is not None else None
            if self.known.ended is not None and (due is None or due >= self.known.ended):
                return End.AS_IT_WAS, self.known.ended
            if due is None:
                return self._stays(self.now)
            self.now = due
            if (end := self._do(step)) is not None:
                return end, self.now
        return self._stays(self.now)

    def _stays(self, at: datetime) -> tuple[End, datetime]:
        return (End.UNKNOWN if self.known.approved is not None else End.WAITS), at

    def _do(self, step: Step) -> End | None:
        """Do what is due; the end, where it is one."""
        if step.kind is StepKind.MESSAGE and step.key is not None and step.template is not None:
            self.messages.append(step.template.value)
            self.case = fold.message_done(self.case, step.key, MessageState.SENT, self.now)
        elif step.kind is StepKind.ATTEMPT:
            return self._attempt()
        elif step.kind is StepKind.LOOK:
            self.case = fold.looked(self.case, None, self.now)
            self._plan()
        elif step.kind is StepKind.RESTRICT:
            self.case = fold.restricted(self.case)
        elif step.kind is StepKind.APPROVAL:
            asked = approving.question_moved(self.case, self.case.campaign, step, self.now)
            self.case = approving.approved(asked, "the replay")
        elif step.kind is StepKind.SUSPEND:
            return End.UNKNOWN if self.known.approved is not None else End.SUSPENDED
        else:
            return self._stays(self.now)[0]
        return None

    def _attempt(self) -> End | None:
        counted = sorted([*self.tried, *(at for at in self.known.others if at <= self.now)])
        allowed = may_attempt(self.known.brand, counted, self.case.decline, self.now, self.cap)
        if not allowed.allowed:
            self.held_back += 1
            self.case = fold.attempt_not_made(
                self.case, Trigger.SCHEDULE, allowed.not_before, allowed.because
            )
            return None
        self.attempts.append(self.now)
        self.breaches += _is_breach(self.known.brand, [*counted, self.now])
        if self.known.approved is not None and abs(self.known.approved - self.now) < IN_TIME:
            return End.PAID_BY_RETRY
        self.tried.append(self.now)
        decline = self.known.decline_at(self.now)
        self.case = fold.attempt_declined(
            self.case, Trigger.SCHEDULE, self.now, decline, self.case.payment_method
        )
        self._plan()
        return None

    def _plan(self) -> None:
        """Where the campaign plans its attempts: the moment that the planner chooses now."""
        retries = self.case.campaign.retries
        if retries.timing is not Timing.PLANNED or self.case.decline is None:
            return
        limits = Limits(
            until=self.case.failed_at + days(self.case.campaign.window_days),
            attempts_left=max(len(retries.after_days) - self.case.retries_made, 0),
            min_gap=days(retries.min_gap_days),
            passing_gap=min(days(retries.min_gap_days), _PASSING_GAP),
            cap=self.cap,
        )
        tried = [Tried(at, self.known.decline_at(at)) for at in self.tried]
        said = plan(self.stories, situation_of(self.known.lines[0], self.now, tried), limits)
        self.case = fold.attempt_planned(self.case, PlannedAttempt(at=said.at, because=said.because))


def play(past: PastCase, campaign: Campaign, stories: Stories, cap: int) -> Played | None:
    """One closed case under a campaign; ``None`` of one whose first refusal is not known."""
    known = _Past.of(past)
    if known is None:
        return None
    row = past.case
    case = Case(
        id=row.id,
        invoice=row.invoice,
        customer=row.customer,
        subscription=row.subscription,
        due=Money(amount=row.amount, currency=row.currency),
        failed_at=row.failed_at,
        campaign=campaign,
        payment_method="pm_of_the_past",
        skips_overdue=True,
    )
    case = fold.declined(case, known.decline_at(row.failed_at), row.failed_at)
    course = _Course(past, known, stories, cap, case, known.opened, [row.failed_at])
    end, at = course.play()
    late = (at - row.failed_at) / timedelta(days=1) if end is End.SUSPENDED else None
    return Played(
        case=row.id,
        campaign=campaign.name,
        end=end,
        at=at,
        messages=tuple(course.messages),
        attempts=tuple(course.attempts),
        held_back=course.held_back,
        breaches=course.breaches,
        days_to_suspension=late,
    )


def _is_breach(brand: str, made: Sequence[datetime]) -> bool:
    """Whether the last of these attempts passes a limit of its network, counted anew."""
    at = made[-1]
    return any(
        sum(at - rule.window < each <= at for each in made) > rule.limit
        for rule in rules_for(brand, at.date())
    )
