"""Features: what the learned model may look at, all known before the attempt is made.

Every feature is a small whole number, so that what was learned is a table that can be read. None looks at the outcome, at later attempts,
or at how often a case was tried in the end.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from recoup.timing.belief import in_main_units
from recoup.timing.families import FAMILIES, family_of
from recoup.timing.paydays import SATURDAY, month_days, weekdays
from recoup.timing.situation import SLOT_HOURS, Situation

Ints = NDArray[np.int64]

AGE_DAYS = (0.5, 1, 2, 3, 4, 5, 7, 9, 11, 14, 17, 21, 28)
GAP_HOURS = (6, 18, 30, 54, 78, 126, 198, 294)
_AGES, _GAPS = np.array(AGE_DAYS, dtype=np.float64), np.array(GAP_HOURS, dtype=np.int64)
AMOUNTS = (10, 30, 80, 250)
NUMBERS = 8
QUARTER_HOURS, SPAN_DAYS = 6, 4
OTHER = 0
"""The place of every code, bank and country that is too rare to have its own."""

NAMED = ("code", "issuer", "country", "funding", "brand")
"""The features whose values are names; how many of each have a place of their own follows from the data."""
MOST_NAMES: dict[str, int] = {"code": 24, "issuer": 120, "country": 24, "funding": 4, "brand": 6}

SIZES: dict[str, int] = {
    "family": len(FAMILIES),
    "first_family": len(FAMILIES),
    "hour": 24,
    "part": 8,
    "quarter": 4,
    "weekday": 7,
    "weekend": 2,
    "day": 32,
    "span": 8,
    "age": len(AGE_DAYS) + 1,
    "gap": len(GAP_HOURS) + 1,
    "number": NUMBERS,
    "amount": len(AMOUNTS) + 1,
    **{name: most + 1 for name, most in MOST_NAMES.items()},
}
"""How many values each feature has."""

TERMS: tuple[tuple[str, ...], ...] = (
    ("family",), ("code",), ("hour",), ("part",), ("quarter",), ("weekday",), ("weekend",), ("day",), ("span",), ("age",), ("gap",), ("number",), ("amount",),
    ("issuer",), ("country",), ("funding",), ("brand",), ("first_family",),
    ("family", "part"), ("family", "weekday"), ("family", "day"), ("family", "age"), ("family", "gap"), ("family", "number"),
    ("first_family", "family"), ("code", "age"), ("code", "part"), ("issuer", "family"), ("issuer", "part"),
    ("issuer", "weekday"), ("issuer", "span"), ("country", "day"), ("country", "weekday"), ("part", "weekday"), ("age", "number"),
    ("funding", "day"),
)  # fmt: skip
"""What has a table of its own: each feature, and the pairs that mean something together."""


class Moving(StrEnum):
    """What a term follows from one moment of a case to another."""

    NOTHING = "nothing"
    WEEK = "week"
    """Its grid are the hours of a week."""
    DAY = "day"
    AGE = "age"
    GAP = "gap"


_FOLLOWED = {
    **dict.fromkeys(("hour", "part", "quarter", "weekday", "weekend"), Moving.WEEK),
    **dict.fromkeys(("day", "span"), Moving.DAY),
    "age": Moving.AGE,
    "gap": Moving.GAP,
}

_WEEK = np.arange(168)


def span_of(day: Ints) -> Ints:
    """In which span of four days of the month a day lies."""
    found: Ints = np.maximum(day - 1, 0) // SPAN_DAYS
    return found


GRIDS: dict[Moving, dict[str, Ints | int]] = {
    Moving.NOTHING: {},
    Moving.WEEK: {
        "hour": _WEEK % 24,
        "part": _WEEK % 24 // SLOT_HOURS,
        "quarter": _WEEK % 24 // QUARTER_HOURS,
        "weekday": _WEEK // 24,
        "weekend": (_WEEK // 24 >= SATURDAY).astype(np.int64),
    },
    Moving.DAY: {"day": np.arange(SIZES["day"]), "span": span_of(np.arange(SIZES["day"]))},
    **{moving: {moving.value: np.arange(SIZES[moving.value])} for moving in (Moving.AGE, Moving.GAP)},
}
"""The features that move, at every place of the grid on which they do."""


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms that move alike."""

    places: tuple[int, ...]
    """In :data:`TERMS`."""
    fixed: tuple[str, ...]
    """The features in them that a case keeps."""
    length: int
    """Of their grid."""


def _moving(term: tuple[str, ...]) -> Moving:
    """What a term follows; one that followed two grids would need one of its own."""
    (found,) = {_FOLLOWED[name] for name in term if name in _FOLLOWED} or {Moving.NOTHING}
    return found


def _terms_of(moving: Moving) -> Terms:
    places = tuple(place for place, term in enumerate(TERMS) if _moving(term) is moving)
    fixed = {name for place in places for name in TERMS[place] if name not in _FOLLOWED}
    length = max((len(np.atleast_1d(grid)) for grid in GRIDS[moving].values()), default=1)
    return Terms(places, tuple(sorted(fixed)), length)


TERMS_OF = {moving: _terms_of(moving) for moving in Moving}


@dataclass(frozen=True, slots=True)
class Names:
    """Which codes, banks and countries have a place of their own."""

    places: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    def place(self, feature: str, name: str | None) -> int:
        """The place of a name; 0 for the rare and the unknown."""
        return self.places.get(feature, {}).get(name or "", OTHER)


def names_of(situation: Situation) -> dict[str, str]:
    """The values of the named features."""
    return {
        "code": situation.tried[-1].decline.code,
        "issuer": situation.issuer or "",
        "country": situation.country or "",
        "funding": situation.funding or "",
        "brand": situation.brand or "",
    }


def choose_names(situations: Sequence[Mapping[str, str]], least: int) -> Names:
    """A place for each name that is frequent enough, the most frequent first, equals in alphabetical order."""
    places: dict[str, dict[str, int]] = {}
    for feature in NAMED:
        counts: dict[str, int] = {}
        for names in situations:
            counts[names[feature]] = counts.get(names[feature], 0) + 1
        kept = sorted(
            (name for name in counts if name and counts[name] >= least),
            key=lambda name: (-counts[name], name),
        )
        places[feature] = {name: place + 1 for place, name in enumerate(kept[: MOST_NAMES[feature]])}
    return Names(places)


def columns(situation: Situation, names: Names, local_hours: Ints) -> dict[str, Ints | int]:
    """The features of an attempt at each of some local hours (counted from the ordinal day 0); one number where all share it."""
    zone = situation.zone
    latest = situation.tried[-1]
    begun = local_hour(situation.first_failed_at.astimezone(zone))
    before = local_hour(latest.at.astimezone(zone))
    day, hour = local_hours // 24, local_hours % 24
    given = names_of(situation)
    found: dict[str, Ints | int] = {
        "family": FAMILIES.index(family_of(latest.decline)),
        "first_family": FAMILIES.index(family_of(situation.tried[0].decline)),
        "hour": hour,
        "part": hour // SLOT_HOURS,
        "quarter": hour // QUARTER_HOURS,
        "weekday": weekdays(day),
        "weekend": (weekdays(day) >= SATURDAY).astype(np.int64),
        "day": month_days(day)[0],
        "span": span_of(month_days(day)[0]),
        "age": _AGES.searchsorted((local_hours - begun) / 24.0, side="right"),
        "gap": _GAPS.searchsorted(local_hours - before, side="right"),
        "number": min(len(situation.tried), NUMBERS - 1),
        "amount": int(np.searchsorted(AMOUNTS, in_main_units(situation.amount, situation.currency))),
    }
    return found | {feature: names.place(feature, given[feature]) for feature in NAMED}


def places_of(told: Mapping[str, Ints | int]) -> dict[Moving, Ints | int]:
    """Where on its grid each kind of term is, at the moments of :func:`columns`."""
    return {
        Moving.NOTHING: 0,
        Moving.WEEK: told["weekday"] * 24 + told["hour"],
        Moving.DAY: told["day"],
        Moving.AGE: told["age"],
        Moving.GAP: told["gap"],
    }


def local_hour(local: object) -> int:
    """The hour, counted from the ordinal day 0, of a moment that is in local time already."""
    return int(local.toordinal()) * 24 + int(local.hour)  # type: ignore[attr-defined]


def cells(term: tuple[str, ...], found: Mapping[str, Ints | int]) -> Ints | int:
    """The cell of a term's table."""
    cell: Ints | int = 0
    for feature in term:
        cell = cell * SIZES[feature] + found[feature]
    return cell


def cells_in(term: tuple[str, ...]) -> int:
    """How many cells a term's table has."""
    return int(np.prod([SIZES[feature] for feature in term]))
