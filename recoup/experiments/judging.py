"""What an experiment has shown: nothing before its planned number of customers has had the full time, and then for good.

Looking again and again until a difference shows finds one in every second experiment without any (P. Armitage and others,
"Repeated significance tests on accumulating data", JRSS A 132, 1969). So there is one look: at the first customers of each arm, as
many as were planned, in the order in which they were drawn. Who comes later changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from recoup.rules.experiments import Arm
from recoup.rules.money import Money
from recoup.rules.policy import Experiment
from recoup.statistics.intervals import Interval, difference_of_means, difference_of_rates, wilson


@dataclass(frozen=True, slots=True)
class Drawn:
    """A customer of the experiment, with their first case in it."""

    arm: Arm
    failed_at: datetime
    due: Money
    recovered_at: datetime | None


class Verdict(StrEnum):
    """What may be said."""

    WAITING = "waiting"
    """Not enough customers have had the full time: nothing is said yet, however it looks."""
    BETTER = "better"
    """The treatment recovers more."""
    WORSE = "worse"
    """The treatment recovers less."""
    NO_DIFFERENCE_FOUND = "no_difference_found"
    """The interval holds zero: there may be a difference smaller than the experiment was made to find."""


@dataclass(frozen=True, slots=True)
class Side:
    """One arm."""

    drawn: int
    """Customers so far."""
    mature: int
    """Those of them who have had the full time."""
    needed: int
    recovered: int | None
    """Of the ``needed`` first ones; nothing before there are so many."""
    rate: Interval | None

    @property
    def missing(self) -> int:
        """How many more have to have had the full time."""
        return max(0, self.needed - self.mature)


@dataclass(frozen=True, slots=True)
class Judged:
    """An experiment as it stands."""

    experiment: Experiment
    verdict: Verdict
    control: Side
    treatment: Side
    difference: Interval | None
    """Of the recovery rates, treatment less control."""
    money: Mapping[str, Interval | None]
    """By currency: recovered minor units for each customer, treatment less control; nothing where too few have it."""

    @property
    def missing(self) -> int:
        """How many more customers have to have had the full time, in both arms together."""
        return self.control.missing + self.treatment.missing


def judge(experiment: Experiment, drawn: Sequence[Drawn], now: datetime) -> Judged:
    """What may be said of it at this moment; ``drawn`` in the order in which chance drew them."""
    span = timedelta(days=experiment.within_days)
    needed = experiment.needed
    first = {arm: _first(drawn, arm, needed[arm], now - span) for arm in Arm}
    is_over = all(first[arm] is not None for arm in Arm)
    looked_at = {arm: first[arm] or [] for arm in Arm} if is_over else {arm: [] for arm in Arm}
    sides = {arm: _side(drawn, arm, needed[arm], looked_at[arm], now, span) for arm in Arm}
    if not is_over:
        return Judged(experiment, Verdict.WAITING, sides[Arm.CONTROL], sides[Arm.TREATMENT], None, {})
    difference = difference_of_rates(*(_counts(looked_at[arm], span) for arm in (Arm.TREATMENT, Arm.CONTROL)))
    return Judged(
        experiment,
        _verdict(difference),
        sides[Arm.CONTROL],
        sides[Arm.TREATMENT],
        difference,
        _money(looked_at, span),
    )


def _first(drawn: Sequence[Drawn], arm: Arm, needed: int, until: datetime) -> list[Drawn] | None:
    """The first customers of an arm, as many as are needed; nothing where one of them has not had the full time."""
    found = [each for each in drawn if each.arm is arm][:needed]
    return found if len(found) == needed and all(each.failed_at <= until for each in found) else None


def _side(
    drawn: Sequence[Drawn], arm: Arm, needed: int, looked_at: Sequence[Drawn], now: datetime, span: timedelta
) -> Side:
    mine = [each for each in drawn if each.arm is arm]
    mature = sum(each.failed_at <= now - span for each in mine)
    recovered, rate = None, None
    if looked_at:
        recovered, count = _counts(looked_at, span)
        rate = wilson(recovered, count)
    return Side(len(mine), mature, needed, recovered, rate)


def _counts(drawn: Sequence[Drawn], span: timedelta) -> tuple[int, int]:
    return sum(_has_recovered(each, span) for each in drawn), len(drawn)


def _has_recovered(each: Drawn, span: timedelta) -> bool:
    return each.recovered_at is not None and each.recovered_at <= each.failed_at + span


def _money(looked_at: Mapping[Arm, Sequence[Drawn]], span: timedelta) -> dict[str, Interval | None]:
    """Currencies are never added up: each compares the customers who owe in it."""

    def brought(arm: Arm, currency: str) -> list[float]:
        mine = [each for each in looked_at[arm] if each.due.currency == currency]
        return [float(each.due.amount) if _has_recovered(each, span) else 0.0 for each in mine]

    currencies = sorted({each.due.currency for arm in Arm for each in looked_at[arm]})
    return {
        currency: difference_of_means(brought(Arm.TREATMENT, currency), brought(Arm.CONTROL, currency))
        for currency in currencies
    }


def _verdict(difference: Interval) -> Verdict:
    if not difference.excludes_zero:
        return Verdict.NO_DIFFERENCE_FOUND
    return Verdict.BETTER if difference.low > 0 else Verdict.WORSE
