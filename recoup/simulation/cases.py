"""Cases of a simulated world: what failed, and what would really happen to each attempt.

Everything hangs on the world, the seed and the number of the case, and on nothing that a policy does: two policies that meet the same case
meet the same luck.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from recoup.rules.declines import Decline
from recoup.simulation._paths import CAUSES, Floats, Ints, Table, paths
from recoup.simulation.population import Population
from recoup.timing.draws import choices, lognormals, uniforms
from recoup.timing.families import FAMILIES, Family
from recoup.timing.situation import zone_of


@dataclass(frozen=True, slots=True)
class Season:
    """When failures happen: at any moment of so many days."""

    begins: datetime
    """Its first moment, in UTC."""
    days: int

    @classmethod
    def weeks_from(cls, day: datetime) -> Season:
        """The four weeks that begin with a day, at midnight UTC."""
        return cls(day.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0), 28)


YEAR = Season(datetime(2026, 1, 5, tzinfo=UTC), 364)
"""When failures happen where nothing else is said."""

SAID: dict[Family, tuple[tuple[str, str | None], ...]] = {
    Family.FUNDS: (("insufficient_funds", "51"),),
    Family.REFUSED: (("do_not_honor", "05"), ("generic_decline", None)),
    Family.LIMIT: (("card_velocity_exceeded", "65"), ("withdrawal_count_limit_exceeded", "61")),
    Family.PASSING: (("processing_error", None), ("issuer_not_available", "91"), ("try_again_later", None)),
    Family.HARD: (("expired_card", "54"), ("invalid_account", "14"), ("pickup_card", "04")),
    Family.ACTION: (("authentication_required", None),),
}
"""How the families are put in codes."""


@dataclass(frozen=True, slots=True)
class Cases:
    """Many cases of one world, an entry of every array for each."""

    world: Population
    seeds: Ints
    cause: Ints
    country: list[str]
    brand: list[str]
    funding: list[str]
    issuer: Ints
    amount: Ints
    failed_at: list[datetime]
    first_day: Ints
    """Local ordinal of the day of the failure."""
    failed_seconds: Ints
    """Seconds from that day's midnight to the failure."""
    chance: Table
    """Chance of approval, cases × local hours from that midnight."""
    words: NDArray[np.int64]
    """Index in FAMILIES of what the bank says, cases × days; column 0 is the first failure."""
    ends: Floats
    """Seconds from the failure to the customer's own end of it: another card, or a cancellation."""
    updated: NDArray[np.bool_]
    """Whether that end brings the money without any retry."""
    successes: list[tuple[datetime, ...]]

    def __len__(self) -> int:
        return len(self.seeds)

    def hour(self, case: int, seconds: float) -> int:
        """The column of ``chance`` for an attempt so many seconds after the failure."""
        return min(int((self.failed_seconds[case] + seconds) // 3600), int(self.chance.shape[1]) - 1)

    def decline(self, case: int, seconds: float) -> Decline:
        """What the bank says to an attempt that it refuses so many seconds after the failure."""
        day = min(int((self.failed_seconds[case] + seconds) // 86400), self.words.shape[1] - 1)
        word = int(self.words[case, day if seconds > 0 else 0])
        return _decline(word, int(self.issuer[case]), self.brand[case])


@lru_cache(maxsize=8192)
def _decline(word: int, issuer: int, brand: str) -> Decline:
    """How a bank puts a family (its index) in codes."""
    said = SAID[FAMILIES[word]]
    code, network = said[issuer % len(said)]
    return Decline(code=code, network_decline_code=network, brand=brand)


def draw_cases(
    world: Population, count: int, *, seed: int = 0, window_days: int = 28, season: Season = YEAR
) -> Cases:
    """So many failures of a world in one season."""
    numbers = np.arange(count, dtype=np.int64)
    seeds = np.asarray(numbers * 1_000_003 + seed * 500_000_003 + world.seed * 900_001, dtype=np.int64)
    mix = world.mix
    country = _named(mix.countries, seeds, 1)
    failed = (uniforms(seeds, 2) * season.days * 24 * 3600).astype(np.int64)
    failed_at = [season.begins + timedelta(seconds=int(second)) for second in failed]
    local = [at.astimezone(zone_of(None, name)) for at, name in zip(failed_at, country, strict=True)]
    first_day = np.array([at.toordinal() for at in local], dtype=np.int64)
    failed_seconds = np.array([at.hour * 3600 + at.minute * 60 + at.second for at in local], dtype=np.int64)
    issuer = (uniforms(seeds, 3) ** 1.5 * world.issuers.count).astype(np.int64)
    amount = np.maximum(lognormals(mix.amount, mix.amount_spread, seeds, 4), 50).astype(np.int64)
    truth = world.truth
    cause = choices([truth.causes[kind].share for kind in CAUSES], seeds, 5)
    ends, updated = _ends(world, cause, seeds)
    chance = paths(
        world,
        cause,
        np.array(country),
        issuer,
        amount,
        first_day,
        failed_seconds / 3600.0,
        seeds,
        window_days + 2,
    )
    return Cases(
        world=world,
        seeds=seeds,
        cause=cause,
        country=country,
        brand=_named(mix.brands, seeds, 6),
        funding=_named(mix.fundings, seeds, 7),
        issuer=issuer,
        amount=amount,
        failed_at=failed_at,
        first_day=first_day,
        failed_seconds=failed_seconds,
        chance=chance,
        words=_words(world, cause, issuer, seeds, window_days + 2),
        ends=ends,
        updated=updated,
        successes=[()] * count,
    )


def _named(shares: object, seeds: Ints, key: int) -> list[str]:
    assert isinstance(shares, dict)
    names = list(shares)
    return [names[place] for place in choices(list(shares.values()), seeds, key)]


def channel(world: Population) -> Floats:
    """How each bank puts each cause: banks × causes × families, shares that add up to 1."""
    truth = world.truth
    usual = np.array([[truth.says[kind].get(family, 0.0) for family in FAMILIES] for kind in CAUSES])
    banks, causes, families = np.meshgrid(
        np.arange(world.issuers.count), np.arange(len(CAUSES)), np.arange(len(FAMILIES)), indexing="ij"
    )
    own = lognormals(1.0, max(world.issuers.words, 1e-9), world.seed, banks, causes, families, 8)
    shares: Floats = usual[None] * own.reshape(banks.shape)
    return shares / shares.sum(axis=2, keepdims=True)


def _words(world: Population, cause: Ints, issuer: Ints, seeds: Ints, days: int) -> NDArray[np.int64]:
    """What the bank says on each day; with the world's share the words of the first day again."""
    edges = np.cumsum(channel(world)[issuer, cause], axis=1)
    drawn = uniforms(seeds[:, None], np.arange(days)[None, :], 9).reshape(len(seeds), days)
    words = np.minimum((drawn[:, :, None] > edges[:, None, :]).sum(axis=2), len(FAMILIES) - 1)
    again = (
        uniforms(seeds[:, None], np.arange(days)[None, :], 10).reshape(words.shape) < world.issuers.repeats
    )
    return np.where(again, words[:, :1], words).astype(np.int64)


def _ends(world: Population, cause: Ints, seeds: Ints) -> tuple[Floats, NDArray[np.bool_]]:
    """When customers bring another card or leave, in seconds since the failure, and which of the two."""
    truth = world.truth
    eventual = np.array([truth.causes[kind].updates for kind in CAUSES])[cause]
    half = truth.customer.half_of_updates_days * 86400.0
    brings = np.where(uniforms(seeds, 11) < eventual, -half * np.log2(uniforms(seeds, 12)), np.inf)
    leaves = -np.log(uniforms(seeds, 13)) * 86400.0 / max(truth.customer.cancels_daily, 1e-9)
    return np.minimum(brings, leaves), brings < leaves
