"""What would really happen: for each case and each hour the chance that an attempt is approved."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from recoup.simulation.population import Gate, Population
from recoup.timing.draws import exponentials, lognormals, uniforms
from recoup.timing.paydays import SATURDAY, funded, month_days, payers_of, weekdays
from recoup.timing.prior import Cause

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Table = NDArray[np.float32]

CAUSES = tuple(Cause)
_MOST_REDRAWS = 12
_USUAL = 5000.0
"""Minor units; ten times as much counts as dear, as for the prior."""


def paths(
    world: Population,
    cause: Ints,
    country: NDArray[np.str_],
    issuer: Ints,
    amount: Ints,
    first_day: Ints,
    failed_hour: Floats,
    seeds: Ints,
    days: int,
) -> Table:
    """Chances of approval, cases × hours from midnight of the day of the failure; ``failed_hour`` is when it failed."""
    hours = days * 24
    truth = world.truth
    chance = np.zeros((len(cause), hours), dtype=np.float32)
    age = np.arange(hours)[None, :] - failed_hour[:, None]
    if world.timeless:
        alive = np.isin(cause, [CAUSES.index(kind) for kind in (Cause.NO_FUNDS, Cause.HOLD, Cause.OUTAGE)])
        return np.where(alive[:, None], np.float32(0.12), np.float32(0.0)) * np.ones((1, hours), np.float32)
    ordinals = first_day[:, None] + np.arange(hours)[None, :] // 24
    hour = np.arange(hours)[None, :] % 24
    rows = np.nonzero(cause == CAUSES.index(Cause.NO_FUNDS))[0]
    if len(rows):
        chance[rows] = _money(
            world, country[rows], amount[rows], first_day[rows], failed_hour[rows], seeds[rows], days
        )
    rows = np.nonzero(cause == CAUSES.index(Cause.HOLD))[0]
    if len(rows):
        hold = truth.hold
        lifted = lognormals(hold.median_hours, hold.spread, seeds[rows], 51)
        never = uniforms(seeds[rows], 52) < hold.never
        told = (age[rows] >= lifted[:, None]) & ~never[:, None]
        night = np.where((hour < 6) | (hour >= 22), hold.night, 1.0)
        weekend = np.where(weekdays(ordinals[rows]) >= SATURDAY, hold.weekend, 1.0)
        liking = 0.8 + 0.4 * uniforms(issuer[rows], world.seed, 53)
        chance[rows] = np.minimum(told * hold.approves * night * weekend * liking[:, None], 0.98)
    rows = np.nonzero(cause == CAUSES.index(Cause.OUTAGE))[0]
    if len(rows):
        over = exponentials(truth.outage.mean_hours, seeds[rows], 54)
        chance[rows] = (age[rows] >= over[:, None]) * truth.outage.approves
    for gate in world.gates:
        chance *= gated(gate, ordinals, np.broadcast_to(hour, ordinals.shape), issuer[:, None]).astype(
            np.float32
        )
    return chance


def gated(gate: Gate, ordinals: Ints, hour: Ints, issuer: Ints) -> Floats:
    """What a gate multiplies a chance by, at a local day and hour."""
    shift = issuer if gate.by_issuer else np.zeros_like(issuer)
    inside = np.ones(np.broadcast_shapes(ordinals.shape, shift.shape), dtype=bool)
    if gate.hours is not None:
        begin, length = gate.hours
        inside &= (hour - begin - 3 * shift) % 24 < length
    if gate.weekdays is not None:
        inside &= np.isin((weekdays(ordinals) - shift) % 7, gate.weekdays)
    if gate.days_of_month is not None:
        begin, end = gate.days_of_month
        inside &= (month_days(ordinals)[0] - begin - 5 * shift) % 31 <= end - begin
    return np.where(inside, 1.0, gate.outside)


def _money(
    world: Population,
    country: NDArray[np.str_],
    amount: Ints,
    first_day: Ints,
    failed_hour: Floats,
    seeds: Ints,
    days: int,
) -> Floats:
    """Paths of those without money, drawn again until there is none at the failure."""
    funds = world.truth.funds
    there = np.zeros((len(seeds), days * 24), dtype=bool)
    at = failed_hour.astype(np.int64)
    for name in np.unique(country):
        waiting = np.nonzero(country == name)[0]
        for turn in range(_MOST_REDRAWS):
            payers = payers_of(world.truth, str(name), seeds[waiting] + turn * 7_919_000_000)
            drawn = funded(payers, funds, first_day[waiting], days, 1)
            there[waiting] = drawn
            waiting = waiting[drawn[np.arange(len(waiting)), at[waiting]]]
            if not len(waiting):
                break
    dear = np.clip(np.log10(np.maximum(amount / _USUAL, 1.0)), 0.0, 1.0)
    never = uniforms(seeds, 55) < funds.never + dear * (funds.never_dear - funds.never)
    return there * ~never[:, None] * funds.approves
