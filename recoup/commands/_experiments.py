"""Experiments as people and programs read them."""

from __future__ import annotations

import json

from recoup.experiments import Judged, Verdict, as_json
from recoup.experiments.judging import Side
from recoup.rules.money import Money
from recoup.rules.money import in_words as money_in_words
from recoup.statistics.intervals import Interval

_SAID = {
    Verdict.WAITING: "Too early to say.",
    Verdict.BETTER: "{treatment} recovers more than {control}.",
    Verdict.WORSE: "{treatment} recovers less than {control}.",
    Verdict.NO_DIFFERENCE_FOUND: "No difference was found; one smaller than {least:.0%} may be there all the same.",
}


def in_words(judged: Judged) -> str:
    """A few lines."""
    experiment, names = judged.experiment, (judged.experiment.campaign, judged.experiment.instead.name)
    lines = [
        f"{experiment.name}: {names[1]} instead of {names[0]} for {experiment.share:.0%} of its customers"
    ]
    lines += [
        f"  {name}: {_side(side)}"
        for name, side in zip(names, (judged.control, judged.treatment), strict=True)
    ]
    said = _SAID[judged.verdict].format(
        control=names[0], treatment=names[1], least=experiment.least_difference
    )
    lines.append(f"  {said}")
    if judged.verdict is Verdict.WAITING:
        lines.append(
            f"  {judged.missing:,} more customers must have had {experiment.within_days} days; there is one look, then"
        )
    if judged.difference is not None:
        lines.append(f"  difference of the recovery rates: {_points(judged.difference)}")
    for currency, interval in judged.money.items():
        lines.append(f"  recovered for each customer in {currency}: {_money(interval, currency)}")
    return "\n".join(lines)


def as_line(judged: Judged) -> str:
    """One line of JSON; rates as fractions, money in minor units."""
    return json.dumps(as_json(judged))


def _side(side: Side) -> str:
    said = f"{side.drawn:,} customers, {side.mature:,} of {side.needed:,} with the full time"
    if side.rate is None or side.recovered is None:
        return said
    rate = side.rate
    return f"{said}; {side.recovered:,} recovered, {rate.estimate:.1%} [{rate.low:.1%}, {rate.high:.1%}]"


def _points(interval: Interval) -> str:
    numbers = (interval.estimate * 100, interval.low * 100, interval.high * 100)
    return "{:+.1f} points, 95 % interval [{:+.1f}, {:+.1f}]".format(*numbers)


def _money(interval: Interval | None, currency: str) -> str:
    if interval is None:
        return "not enough customers"
    said = [_signed(value, currency) for value in (interval.estimate, interval.low, interval.high)]
    return f"{said[0]}, 95 % interval [{said[1]}, {said[2]}]"


def _signed(value: float, currency: str) -> str:
    amount = round(value)
    return f"{'+' if amount >= 0 else '-'}{money_in_words(Money(amount=abs(amount), currency=currency))}"
