"""Pay cycles: on which days payers are paid, and at which hours there is money on their accounts.

Everything is in the payer's local time. Days are ordinals as :meth:`datetime.date.toordinal` counts them; hours are counted
from the beginning of a day. All of it works on many payers at once, one a row.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from recoup.timing.draws import choices, exponentials, uniforms
from recoup.timing.prior import Funds, Paydays, Prior

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

WEEKLY, BIWEEKLY, SEMIMONTHLY, MONTHLY = range(4)
CYCLE_DAYS = np.array([7.0, 14.0, 15.2, 30.4])
"""Mean length of the pay cycles."""
SATURDAY = 5

_MARGIN_DAYS = 36
"""A payday so many days back may still have left money."""


@dataclass(frozen=True, slots=True)
class Payers:
    """How payers are paid; every field has an entry for each of them."""

    cycle: Ints
    """WEEKLY, BIWEEKLY, SEMIMONTHLY or MONTHLY."""
    phase: Ints
    """Which of the cycle's days: a weekday, for BIWEEKLY plus 7 in every second week; a day of the month (0 is the last)."""
    lasts_hours: NDArray[np.float64]
    """How long the money lasts on average after a payday."""
    arrives_hour: Ints
    friday: Bools
    """Paid on Friday when the payday is on a weekend."""
    never: NDArray[np.float64]
    """A draw in (0, 1): payers for whom it is below the share of those without hope never have enough."""
    seed: Ints

    def __len__(self) -> int:
        return len(self.cycle)


def draw_payers(funds: Funds, often: Paydays, months: dict[int, float], seeds: Ints) -> Payers:
    """Payers as the table describes those of one country; each follows from its own seed alone."""
    cycle = choices([often.weekly, often.biweekly, often.semimonthly, often.monthly], seeds, 11)
    dom = np.array(list(months), dtype=np.int64)[choices(list(months.values()), seeds, 12)]
    weekday = choices([1, 1, 1, 1, 3, 0.2, 0.2], seeds, 13)
    second = (uniforms(seeds, 14) < 0.5).astype(np.int64) * 7
    pair = (uniforms(seeds, 15) < 0.5).astype(np.int64)
    phase = np.choose(cycle, [weekday, weekday + second, pair, dom])
    low, high = funds.lasts
    share = low + (high - low) * uniforms(seeds, 16)
    first, last = funds.arrives_hours
    return Payers(
        cycle=cycle,
        phase=phase,
        lasts_hours=np.maximum(share * CYCLE_DAYS[cycle] * 24.0, 6.0),
        arrives_hour=first + (uniforms(seeds, 17) * (last - first + 1)).astype(np.int64),
        friday=uniforms(seeds, 18) < funds.moves_to_friday,
        never=uniforms(seeds, 19),
        seed=seeds,
    )


def payers_of(prior: Prior, country: str | None, seeds: Ints) -> Payers:
    """Payers of a country as the prior knows it."""
    often, day = prior.group_of(country)
    return draw_payers(prior.funds, prior.paydays[often], dict(prior.months[day]), seeds)


@cache
def _calendar() -> tuple[Ints, Bools]:
    """Day of the month, and whether it is the month's last, for every ordinal up to the year 2200."""
    days = np.arange(np.datetime64("1970-01-01"), np.datetime64("2200-01-01"))
    month = days.astype("datetime64[M]")
    dom = (days - month.astype("datetime64[D]")).astype(np.int64) + 1
    last = (days + np.timedelta64(1, "D")).astype("datetime64[M]") != month
    return dom, last


_FIRST_ORDINAL = 719163
"""Ordinal of 1970-01-01."""


def month_days(ordinals: Ints) -> tuple[Ints, Bools]:
    """Day of the month of each ordinal, and whether it is the last of its month."""
    dom, last = _calendar()
    place = np.clip(ordinals - _FIRST_ORDINAL, 0, len(dom) - 1)
    return dom[place], last[place]


def weekdays(ordinals: Ints) -> Ints:
    """Weekday of each ordinal; Monday is 0."""
    return (ordinals + 6) % 7


def _nominal(payers: Payers, ordinals: Ints) -> Bools:
    """Whether each day is a payday by the cycle alone; ``ordinals`` has a row for each payer, or one row for all."""
    weekday = weekdays(ordinals)
    dom, last = month_days(ordinals)
    cycle, phase = payers.cycle[:, None], payers.phase[:, None]
    second = ((ordinals + 6) // 7) % 2 * 7
    semi = np.where(phase == 0, (dom == 1) | (dom == 15), (dom == 15) | last)
    monthly = np.where(phase == 0, last, (dom == phase) | (last & (phase > dom)))
    by_cycle = [
        weekday == phase % 7,
        weekday + second == phase,
        semi,
        monthly,
    ]
    found: Bools = np.choose(cycle, by_cycle)
    return found


def paydays(payers: Payers, first_day: Ints, days: int) -> Bools:
    """Whether each payer is paid on each of ``days`` days from ``first_day`` on (one for all, or one for each payer)."""
    ordinals = np.atleast_1d(first_day)[:, None] + np.arange(days + 2)
    nominal = _nominal(payers, ordinals)
    weekend = weekdays(ordinals) >= SATURDAY
    moved = nominal & weekend & payers.friday[:, None]
    paid = nominal & ~moved
    friday = weekdays(ordinals) == SATURDAY - 1
    ahead = np.zeros_like(paid)
    ahead[:, :-2] = moved[:, 1:-1] | moved[:, 2:]
    found: Bools = (paid | (ahead & friday))[:, :days]
    return found


def funded(payers: Payers, funds: Funds, first_day: Ints, days: int, step_hours: int) -> Bools:
    """Whether there is enough money, at ``step_hours`` steps through ``days`` days from midnight of ``first_day``.

    A payday brings enough with the table's chance, for an exponential time; other money comes by chance. Payers without
    hope are not left out here: that depends on the invoice, and is counted where the invoice is known.
    """
    steps = days * 24 // step_hours
    begins = np.atleast_1d(np.asarray(first_day, dtype=np.int64)) - _MARGIN_DAYS
    span = days + _MARGIN_DAYS
    paid = paydays(payers, begins, span)
    ordinals = np.broadcast_to(begins[:, None] + np.arange(span), paid.shape)
    seeds = np.broadcast_to(payers.seed[:, None], paid.shape)
    enough = paid & (uniforms(seeds, ordinals, 1).reshape(paid.shape) < funds.enough)
    topped = uniforms(seeds, ordinals, 2).reshape(paid.shape) < funds.tops_up_daily
    change = np.zeros((len(payers), steps + 1), dtype=np.int32)
    for which, kind in ((enough, 3), (topped, 4)):
        rows, columns = np.nonzero(which)
        day, seed = ordinals[rows, columns], payers.seed[rows]
        if kind == 3:
            hour = payers.arrives_hour[rows].astype(np.float64)
            length = exponentials(payers.lasts_hours[rows], seed, day, kind)
        else:
            hour = 24.0 * uniforms(seed, day, 5)
            length = exponentials(funds.top_up_hours, seed, day, kind)
        start = (columns - _MARGIN_DAYS) * 24.0 + hour
        # A step has money when its own beginning lies inside the time with money.
        begin = np.clip(np.ceil(start / step_hours), 0, steps).astype(np.int64)
        end = np.clip(np.ceil((start + length) / step_hours), 0, steps).astype(np.int64)
        np.add.at(change, (rows, begin), 1)
        np.add.at(change, (rows, end), -1)
    there: Bools = np.cumsum(change[:, :steps], axis=1) > 0
    return there
