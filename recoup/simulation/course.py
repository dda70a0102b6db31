"""The course of a case under the real rules: ``next_step``, the folds and the network guard, without Temporal.

Time is counted in seconds from the failure, at a fixed date: the rules know no other calendar than the guard's windows. So cases that
are refused alike at the same distances share their turns, and a turn is worked out by the real rules once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from recoup.rules import fold
from recoup.rules.case import Case, MessageState, PlannedAttempt, Trigger
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.networks import DEFAULT_CAP, may_attempt
from recoup.rules.policy import Campaign
from recoup.rules.step import StepKind
from recoup.rules.steps import next_step

EPOCH = datetime(2026, 11, 23, tzinfo=UTC)
_MOST_STEPS = 60
_MOST_KEPT = 200_000


@dataclass(slots=True)
class Turn:
    """A case that waits for its next attempt."""

    case: Case
    tried: tuple[datetime, ...]
    """All attempts so far, the first failure included."""
    due: float | None
    """Seconds from the failure to the next attempt; ``None`` when there is none."""
    after: dict[Decline, Turn] = field(default_factory=dict)


class Course:
    """How cases go under one campaign, for cards of one network."""

    def __init__(self, campaign: Campaign, brand: str, cap: int = DEFAULT_CAP) -> None:
        self._campaign = campaign
        self._brand = brand
        self._cap = cap
        self._begun: dict[Decline, Turn] = {}
        self._kept = 0
        self.refused = 0
        """How often the guard has said "not before"."""

    def begin(self, decline: Decline) -> Turn:
        """The first turn of a case that was just refused."""
        if (kept := self._begun.get(decline)) is None:
            kept = self._begun[decline] = self._turn(self._opened(decline), (EPOCH,), self._campaign, EPOCH)
        return kept

    def declined(self, turn: Turn, decline: Decline) -> Turn:
        """The turn after an attempt that was made when it was due, and refused."""
        if (kept := turn.after.get(decline)) is None:
            case, tried, at = self._refused(turn, decline)
            kept = self._turn(case, tried, self._campaign, at)
            if self._kept < _MOST_KEPT:
                turn.after[decline] = kept
                self._kept += 1
        return kept

    def aimed(self, turn: Turn, at: float | None) -> Turn:
        """The same turn with its next attempt planned for a moment, or for none."""
        if at is None:
            return Turn(turn.case, turn.tried, None)
        moment = EPOCH + timedelta(seconds=round(at))
        planned = PlannedAttempt(at=moment, because="chosen by the policy that is played")
        case = fold.attempt_planned(turn.case, planned)
        return self._turn(case, turn.tried, self._campaign, turn.tried[-1])

    def folded(self, turn: Turn, decline: Decline) -> Turn:
        """The case after a refused attempt, before anything is planned for it."""
        case, tried, _ = self._refused(turn, decline)
        return Turn(case, tried, None)

    def opened(self, decline: Decline) -> Turn:
        """A case that was just refused, before anything is planned for it."""
        return Turn(self._opened(decline), (EPOCH,), None)

    def _opened(self, decline: Decline) -> Case:
        case = Case(
            id="in_simulated",
            invoice="in_simulated",
            customer="cus_simulated",
            subscription="sub_simulated",
            due=Money(amount=1, currency="usd"),
            failed_at=EPOCH,
            campaign=self._campaign,
            payment_method="pm_simulated",
            skips_overdue=True,
        )
        return fold.declined(case, decline, EPOCH)

    def _refused(self, turn: Turn, decline: Decline) -> tuple[Case, tuple[datetime, ...], datetime]:
        assert turn.due is not None
        at = EPOCH + timedelta(seconds=round(turn.due))
        case = fold.attempt_declined(turn.case, Trigger.SCHEDULE, at, decline, turn.case.payment_method)
        return case, (*turn.tried, at), at

    def _turn(self, case: Case, tried: tuple[datetime, ...], campaign: Campaign, now: datetime) -> Turn:
        """Follow the rules, messages and all, until the next attempt that the guard allows, or the end."""
        for _ in range(_MOST_STEPS):
            step = next_step(case, campaign, now)
            now = max(now, step.due_at or now)
            if step.kind is StepKind.MESSAGE and step.key is not None:
                case = fold.message_done(case, step.key, MessageState.SENT, now)
            elif step.kind is StepKind.ATTEMPT:
                allowed = may_attempt(self._brand, _recent(tried), case.decline, now, self._cap)
                if allowed.allowed:
                    return Turn(case, tried, (now - EPOCH).total_seconds())
                self.refused += 1
                case = fold.attempt_not_made(case, Trigger.SCHEDULE, allowed.not_before, allowed.because)
            else:
                return Turn(case, tried, None)
        raise AssertionError("a case that never comes to its next attempt or its end")


def _recent(tried: Sequence[datetime]) -> Sequence[datetime]:
    return tried[-30:]
