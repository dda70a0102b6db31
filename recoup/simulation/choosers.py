"""Policies that choose: the planner with what it believes, two bounds that know more, and chance."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import numpy as np
from numpy.typing import NDArray

from recoup.simulation._paths import CAUSES, gated
from recoup.simulation.cases import Cases, channel
from recoup.simulation.population import Population
from recoup.simulation.rivals import Setting
from recoup.timing._stories import Stories, Table
from recoup.timing.draws import uniforms
from recoup.timing.families import FAMILIES, Family
from recoup.timing.planner import choose, plan
from recoup.timing.prior import Cause
from recoup.timing.situation import SLOT_HOURS, SLOTS_A_DAY, Limits, Situation

_GAP = timedelta(hours=20)


@dataclass(frozen=True, slots=True)
class Planned:
    """The planner of :mod:`recoup.timing`, with whatever stories it is given."""

    stories: Stories
    setting: Setting

    def next_attempt(self, cases: Cases, case: int, situation: Situation, left: int) -> float | None:
        """As :meth:`recoup.simulation.play.Chooser.next_attempt`."""
        until = situation.first_failed_at + timedelta(days=self.setting.days)
        said = plan(self.stories, situation, Limits(until=until, attempts_left=left, min_gap=_GAP))
        return None if said.at is None else (said.at - situation.first_failed_at).total_seconds()


class WorldStories(Stories):
    """What an oracle knows: every figure of its world, its banks' habits and gates; not what a single case has in store."""

    def __init__(self, world: Population, payers: int = 1200) -> None:
        super().__init__(world.truth, payers)
        self._world = world
        self._channel = channel(world)

    def keeps_apart(self, situation: Situation) -> bool:
        """Who knows need not be careful."""
        return False

    def likelihood(self, cause: Cause, family: Family, situation: Situation) -> float:
        """As it really is with the case's bank."""
        shares = self._channel[int(situation.issuer or 0), CAUSES.index(cause)]
        return max(float(shares[FAMILIES.index(family)]), 1e-6)

    def bank_of(self, situation: Situation) -> str | None:
        """Every bank has its own words."""
        return situation.issuer

    def adjusted(self, situation: Situation, slots: NDArray[np.int64], approves: Table) -> Table:
        """With the world's gates."""
        issuer = np.full(len(slots), int(situation.issuer or 0))
        for gate in self._world.gates:
            inside = gated(gate, slots // SLOTS_A_DAY, slots % SLOTS_A_DAY * SLOT_HOURS, issuer)
            approves = approves * inside.astype(np.float32)[:, None]
        return approves


@dataclass(frozen=True, slots=True)
class Clairvoyant:
    """Knows what each attempt of each case would meet: not a fair rival, the ceiling of all."""

    setting: Setting

    def next_attempt(self, cases: Cases, case: int, situation: Situation, left: int) -> float | None:
        """The best of what is left."""
        begin = (situation.tried[-1].at - situation.first_failed_at + _GAP).total_seconds()
        first = 1 if len(situation.tried) == 1 else int(begin // 3600) + 1
        hours = np.arange(first, self.setting.days * 24)
        if not len(hours):
            return None
        at = np.array([cases.hour(case, hour * 3600) for hour in hours])
        chances = cases.chance[case, at][:, None]
        chosen, _ = choose(
            chances, np.ones(1, np.float32), np.ones(len(hours)), slots=hours, count=left, gap=20
        )
        return float(chosen[0] * 3600) if chosen else None


@dataclass(frozen=True, slots=True)
class AtRandom:
    """Moments drawn evenly from the window."""

    setting: Setting

    def next_attempt(self, cases: Cases, case: int, situation: Situation, left: int) -> float | None:
        """The first of the drawn moments that is still to come."""
        drawn = (
            np.sort(uniforms(int(cases.seeds[case]), np.arange(self.setting.attempts), 77))
            * self.setting.days
            * 86400.0
        )
        place = self.setting.attempts - left
        return float(drawn[place])


ChooserOf = Callable[[Setting], "Planned | Clairvoyant | AtRandom"]
