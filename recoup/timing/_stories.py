"""Stories: for each way in which a failed payment may go on, the chance that an attempt is approved, slot by slot.

A story is a column, a slot of the customer's local time a row. The stories about money and about unexplained banks hang on
the calendar alone, so they are drawn once for a stretch of days and kept; those about holds and outages begin with the
failure, and are cheap.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from recoup.timing.draws import choices, exponentials, uniforms
from recoup.timing.families import Family
from recoup.timing.paydays import SATURDAY, Payers, funded, month_days, paydays, payers_of, weekdays
from recoup.timing.prior import Cause, Prior, shipped_prior
from recoup.timing.situation import SLOT_HOURS, SLOTS_A_DAY, Situation

Table = NDArray[np.float32]

PAYERS = 320
PATTERNS = 64
HOLDS = 32
OUTAGES = 12
STRETCH_DAYS = 64
AHEAD_DAYS = 72
"""A stretch reaches so many days past its last beginning; the longest window that can be planned."""

_MOST_STRETCHES = 64
_LONGEST_AGE = AHEAD_DAYS * SLOTS_A_DAY
_LONGEST_SINCE = 35
_MOST_WORDS = 20_000
_FIRST_DAY, _DAYS = 736695, 5844
"""The days whose distance from a payday is kept: sixteen years from 2018-01-01."""

CAUSES = (Cause.NO_FUNDS, Cause.UNKNOWN, Cause.HOLD, Cause.OUTAGE)
"""The causes with stories, in the order of the columns; the others never approve."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The stories of one country through some days."""

    first_slot: int
    approves: Table
    """Slots × (payers, patterns)."""


class Stories:
    """The stories of one prior, made when they are first needed and kept.

    What knows more than the prior (a learned model, an oracle) derives from this and changes :meth:`likelihood` or :meth:`adjusted`.
    """

    def __init__(self, prior: Prior, payers: int = PAYERS) -> None:
        self.prior = prior
        self.counts = (payers, PATTERNS, HOLDS, OUTAGES)
        """How many stories each of :data:`CAUSES` has."""
        self.column_cause: NDArray[np.int64] = np.repeat(np.arange(len(CAUSES)), self.counts)
        """For each column the index of its cause."""
        self._payers: dict[tuple[str, str], Payers] = {}
        self._since: dict[tuple[str, str], NDArray[np.int8]] = {}
        self._banks: dict[int, tuple[NDArray[np.float32], Table]] = {}
        self._by_weekday: dict[int, Table] = {}
        self._hints: dict[tuple[str, str], NDArray[np.float64]] = {}
        self._words: dict[Hashable, dict[Cause, float]] = {}
        self._stretches: dict[tuple[str, str, int], Stretch] = {}

    def stretch(self, country: str | None, slot: int) -> Stretch:
        """The stretch in which a case that begins at a slot is told to its end."""
        number = slot // SLOTS_A_DAY // STRETCH_DAYS
        key = (*self.prior.group_of(country), number)
        if (kept := self._stretches.get(key)) is None:
            if len(self._stretches) >= _MOST_STRETCHES:
                self._stretches.clear()
                self._banks.clear()
            kept = self._stretches[key] = self._told(country, number)
        return kept

    def likelihood(self, cause: Cause, family: Family, situation: Situation) -> float:
        """How often this case's bank puts a cause in words of a family."""
        return self.prior.likelihood(cause, family)

    def bank_of(self, situation: Situation) -> str | None:
        """The bank whose words :meth:`likelihood` knows apart; the prior knows none."""
        return None

    def said(self, situation: Situation, families: Sequence[Family]) -> dict[Cause, float]:
        """How well each cause explains the words of the bank; the same words again say less than the first time."""
        counts = Counter(families)
        key = (self.bank_of(situation), *counts.items())
        if (kept := self._words.get(key)) is None:
            if len(self._words) >= _MOST_WORDS:
                self._words.clear()
            kept = self._words[key] = {}
            for cause in Cause:
                told = 1.0
                for family, count in counts.items():
                    power = 1.0 + self.prior.codes_repeat * (count - 1)
                    told *= self.likelihood(cause, family, situation) ** power
                kept[cause] = told
        return kept

    def adjusted(self, situation: Situation, slots: NDArray[np.int64], approves: Table) -> Table:
        """The chances (slots × stories) after what is known beyond the stories; the prior knows nothing more."""
        return approves

    def learned(
        self, situation: Situation, slots: NDArray[np.int64], approves: Table, weights: NDArray[np.float32]
    ) -> Table:
        """The chances to come, after what was learned from other cases; the prior has learned nothing."""
        return approves

    def keeps_apart(self, situation: Situation) -> bool:
        """Whether every attempt gets a part of the window to itself.

        What is only believed may be wrong, and then attempts that crowd around one moment are lost together. Who has learned, or knows, need not
        be so careful.
        """
        return True

    def told(self, situation: Situation, chance: float) -> float:
        """What is said of a chance; it changes no choice."""
        return chance

    def lasts_days(self, country: str | None) -> NDArray[np.float64]:
        """For how many days the money of every payer lasts on average."""
        return self._payers_of(country).lasts_hours / 24.0

    def since_payday(self, country: str | None, days: NDArray[np.int64]) -> NDArray[np.int8]:
        """Days since the last payday (at most 35) of every payer (column) on each of the days (row, ordinals)."""
        key = self.prior.group_of(country)
        if key not in self._since:
            paid = paydays(self._payers_of(country), np.array([_FIRST_DAY]), _DAYS)
            places = np.where(paid, np.arange(_DAYS), -_LONGEST_SINCE)
            since = np.minimum(np.arange(_DAYS) - np.maximum.accumulate(places, axis=1), _LONGEST_SINCE)
            self._since[key] = np.ascontiguousarray(since.T.astype(np.int8))
        return self._since[key][np.minimum(np.maximum(days - _FIRST_DAY, 0), _DAYS - 1)]

    def paid_before(self, country: str | None, days: NDArray[np.int64]) -> NDArray[np.float64]:
        """How well the paydays of every payer explain that payments were approved on these days."""
        key = self.prior.group_of(country)
        if key not in self._hints:
            since = np.arange(_LONGEST_SINCE + 1)[:, None]
            chance = 0.06 + self.prior.funds.enough * np.exp(-since / self.lasts_days(country))
            self._hints[key] = self.prior.payer_days * np.log(chance)
        told = self._hints[key][self.since_payday(country, days), np.arange(self.counts[0])]
        found: NDArray[np.float64] = np.exp(told.sum(axis=0))
        return found / found.mean()

    def since_failure(self, failed_slot: int, first: int, last: int) -> Table:
        """The stories that begin with the failure, for the slots ``first`` to ``last``: slots × (holds, outages)."""
        # They hang on the weekday and the hour of the failure alone.
        phase = failed_slot % (7 * SLOTS_A_DAY)
        begin, end = first - failed_slot, last - failed_slot
        if begin < 0 or end > _LONGEST_AGE:
            return self._begun_with(failed_slot, first, last)
        if (kept := self._by_weekday.get(phase)) is None:
            kept = self._by_weekday[phase] = self._begun_with(
                failed_slot, failed_slot, failed_slot + _LONGEST_AGE
            )
        return kept[begin:end]

    def _begun_with(self, failed_slot: int, first: int, last: int) -> Table:
        slots = np.arange(first, last)
        age = (slots - failed_slot) * float(SLOT_HOURS)
        hold, outage = self.prior.hold, self.prior.outage
        part = slots % SLOTS_A_DAY
        night = np.where((part == SLOTS_A_DAY - 1) | (part < 2), hold.night, 1.0)
        weekend = np.where(weekdays(slots // SLOTS_A_DAY) >= SATURDAY, hold.weekend, 1.0)
        lifted = age[:, None] >= lifted_hours(hold.median_hours, hold.spread)[None, :]
        over = age[:, None] >= outage_hours(outage.mean_hours)[None, :]
        held = lifted * (hold.approves * night * weekend)[:, None]
        return np.concatenate([held, over * outage.approves], axis=1).astype(np.float32)

    def _payers_of(self, country: str | None) -> Payers:
        key = self.prior.group_of(country)
        if key not in self._payers:
            self._payers[key] = payers_of(self.prior, country, np.arange(self.counts[0], dtype=np.int64))
        return self._payers[key]

    def _told(self, country: str | None, number: int) -> Stretch:
        first_day = number * STRETCH_DAYS - 1
        days = STRETCH_DAYS + AHEAD_DAYS
        money = funded(self._payers_of(country), self.prior.funds, np.array([first_day]), days, SLOT_HOURS)
        patterns, gates = self._unexplained(number)
        told = [money * self.prior.funds.approves, patterns * self.prior.unknown.approves]
        approves = np.concatenate(told).T.astype(np.float32)
        approves[:, : self.counts[0]] *= gates
        return Stretch(first_day * SLOTS_A_DAY, np.ascontiguousarray(approves))

    def _unexplained(self, number: int) -> tuple[NDArray[np.float32], Table]:
        """What hangs on the days of a stretch alone, whatever the country: unexplained banks, alone and in front of payers."""
        if number not in self._banks:
            first_day, days = number * STRETCH_DAYS - 1, STRETCH_DAYS + AHEAD_DAYS
            patterns = _patterns(first_day, days, np.arange(PATTERNS, dtype=np.int64))
            self._banks[number] = patterns, self._gates(first_day, days)
        return self._banks[number]

    def _gates(self, first_day: int, days: int) -> Table:
        """What is left of the payers' chances where some of them have an unexplained bank: slots × payers."""
        seeds = np.arange(self.counts[0], dtype=np.int64) + 100_000
        behind = np.nonzero(uniforms(seeds, 37) < self.prior.unknown.gated)[0]
        gates = np.ones((days * SLOTS_A_DAY, self.counts[0]), dtype=np.float32)
        if len(behind):
            inside = _patterns(first_day, days, seeds[behind]).T > 0
            gates[:, behind] = np.where(inside, 1.0, self.prior.unknown.outside)
        return gates


@cache
def shipped_stories() -> Stories:
    """The stories of the prior that ships with Recoup."""
    return Stories(shipped_prior())


def _patterns(first_day: int, days: int, seeds: NDArray[np.int64]) -> NDArray[np.float32]:
    """Unexplained banks: each approves in some hours, on some weekdays, in a part of the month, or in spells."""
    slots = np.arange(first_day * SLOTS_A_DAY, (first_day + days) * SLOTS_A_DAY)
    day, part = slots // SLOTS_A_DAY, slots % SLOTS_A_DAY
    kind = choices([0.4, 0.2, 0.2, 0.2], seeds, 30)[:, None]
    hour = (part[None, :] - (uniforms(seeds, 31) * SLOTS_A_DAY).astype(np.int64)[:, None]) % SLOTS_A_DAY < 3
    weekday = (weekdays(day)[None, :] - choices([1] * 7, seeds, 32)[:, None]) % 7 < 2
    dom = (month_days(day)[0][None, :] - (uniforms(seeds, 33) * 31).astype(np.int64)[:, None]) % 31 < 8
    found = np.choose(kind, [hour, weekday, dom, _spells(seeds, slots)])
    return found.astype(np.float32)


def _spells(seeds: NDArray[np.int64], slots: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Spells in which a bank approves, without any order; each begins by chance and lasts about as long as its kind."""
    mean = exponentials(1.0, seeds, 34) * 36.0 + 6.0
    begins = uniforms(seeds[:, None], slots[None, :], 35).reshape(len(seeds), -1) < SLOT_HOURS / (
        3.0 * mean[:, None]
    )
    length = (
        np.maximum(exponentials(mean[:, None], seeds[:, None], slots[None, :], 36), SLOT_HOURS) / SLOT_HOURS
    )
    ends = np.where(begins, np.arange(len(slots)) + length.reshape(begins.shape), -1.0)
    return np.maximum.accumulate(ends, axis=1) >= np.arange(len(slots))


@lru_cache(maxsize=64)
def lifted_hours(median: float, spread: float) -> NDArray[np.float64]:
    """When holds that are lifted at all are lifted, in hours since the failure: the middles of equal shares."""
    normal = NormalDist()
    return median * np.exp(spread * np.array([normal.inv_cdf((n + 0.5) / HOLDS) for n in range(HOLDS)]))


@lru_cache(maxsize=64)
def outage_hours(mean: float) -> NDArray[np.float64]:
    """How long outages last, in hours: the middles of equal shares."""
    return -mean * np.log(1.0 - (np.arange(OUTAGES) + 0.5) / OUTAGES)
