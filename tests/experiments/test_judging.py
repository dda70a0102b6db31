"""One look, at the planned customers and no others."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from recoup.experiments import Verdict, judge
from recoup.experiments.judging import Drawn
from recoup.rules.experiments import Arm
from recoup.rules.money import Money
from recoup.rules.policy import Campaign, Experiment

BEGAN = datetime(2026, 6, 1, tzinfo=UTC)
FULL = timedelta(days=28)
EXPERIMENT = Experiment(
    name="learned", campaign="everybody", instead=Campaign(name="learned-timing"), least_difference=0.2
)
NEEDED = EXPERIMENT.needed


def _drawn(
    arm: Arm, count: int, recovered: int, *, after_days: float = 3, currency: str = "eur"
) -> list[Drawn]:
    """So many customers, one an hour, of whom the first so many recovered."""
    due = Money(amount=4900, currency=currency)
    return [
        Drawn(
            arm,
            BEGAN + timedelta(hours=number),
            due,
            BEGAN + timedelta(hours=number, days=after_days) if number < recovered else None,
        )
        for number in range(count)
    ]


def _both(treated: int, control: int, extra: int = 0) -> list[Drawn]:
    return [
        *_drawn(Arm.TREATMENT, NEEDED[Arm.TREATMENT] + extra, treated),
        *_drawn(Arm.CONTROL, NEEDED[Arm.CONTROL] + extra, control),
    ]


def test_nothing_is_said_before_everybody_had_the_full_time() -> None:
    """The last of the planned customers has not had 28 days: no rate, no difference, however clear it looks; a moment later there is."""
    drawn = _both(90, 0)
    last = BEGAN + timedelta(hours=NEEDED[Arm.TREATMENT] - 1) + FULL
    early = judge(EXPERIMENT, drawn, last - timedelta(seconds=1))
    assert (early.verdict, early.difference, dict(early.money)) == (Verdict.WAITING, None, {})
    assert (early.treatment.rate, early.treatment.recovered, early.missing) == (None, None, 2)
    late = judge(EXPERIMENT, drawn, last)
    assert late.verdict is Verdict.BETTER
    assert late.treatment.recovered == 90


def test_there_is_one_look() -> None:
    """Who is drawn after the planned number changes nothing, so nobody can wait for a difference to show."""
    at = BEGAN + timedelta(days=400)
    once = judge(EXPERIMENT, _both(50, 45), at)
    more = [*_both(50, 45), *_drawn(Arm.TREATMENT, 500, 500)]
    again = judge(EXPERIMENT, more, at)
    assert (once.verdict, once.difference) == (again.verdict, again.difference)
    assert once.verdict is Verdict.NO_DIFFERENCE_FOUND


def test_looking_every_day_finds_no_more_than_looking_once() -> None:
    """Two equal campaigns, looked at every day for two years: the verdict never changes once it is there."""
    chance = random.Random(5)
    drawn = [
        Drawn(
            chance.choice(list(Arm)),
            BEGAN + timedelta(days=day),
            Money(amount=4900, currency="eur"),
            BEGAN + timedelta(days=day + 2) if chance.random() < 0.5 else None,
        )
        for day in range(700)
    ]
    said = {judge(EXPERIMENT, drawn, BEGAN + timedelta(days=day)).verdict for day in range(0, 800, 3)}
    assert said == {Verdict.WAITING, judge(EXPERIMENT, drawn, BEGAN + timedelta(days=900)).verdict}


def test_what_came_late_has_not_recovered() -> None:
    """Paid on day 29: not within the 28 days, in either arm."""
    drawn = [
        *_drawn(Arm.TREATMENT, NEEDED[Arm.TREATMENT], 90, after_days=29),
        *_drawn(Arm.CONTROL, NEEDED[Arm.CONTROL], 40),
    ]
    judged = judge(EXPERIMENT, drawn, BEGAN + timedelta(days=400))
    assert (judged.treatment.recovered, judged.verdict) == (0, Verdict.WORSE)


def test_currencies_are_compared_apart() -> None:
    """Each with its own interval, and none where a currency has too few customers."""
    few = _drawn(Arm.TREATMENT, 5, 5, currency="jpy")
    drawn = [*few, *_both(60, 40)]
    judged = judge(EXPERIMENT, drawn, BEGAN + timedelta(days=400))
    assert judged.money["jpy"] is None
    euros = judged.money["eur"]
    assert euros is not None
    assert euros.estimate > 0
