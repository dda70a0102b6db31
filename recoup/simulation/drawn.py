"""Worlds drawn by chance: many within the family of the reference world, and some outside it.

What holds in one world may be luck. The figures of ``docs/timing.md`` are means over many of these, and the ones that judge are never the
ones that anything was tuned on: the number of a world is its seed.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from recoup.simulation.population import Gate, Population, load_population
from recoup.timing.draws import uniforms


def family_world(number: int) -> Population:
    """A world of the reference's kind: the same mechanisms, every figure of them drawn anew."""
    draw = _Draw(number, 1)
    base = load_population("reference").model_dump(mode="json")
    truth = base["truth"]
    _causes(truth, draw)
    _says(truth, draw)
    mean = draw.between(0.06, 0.28)
    truth["funds"] |= {
        "enough": draw.between(0.6, 0.9),
        "lasts": (0.5 * mean, 1.5 * mean),
        "tops_up_daily": draw.between(0.01, 0.06),
        "never": draw.between(0.1, 0.3),
        "moves_to_friday": draw.between(0.0, 1.0),
    }
    truth["hold"] |= {
        "median_hours": draw.around(30.0, 0.5),
        "never": draw.between(0.35, 0.65),
        "approves": draw.between(0.35, 0.65),
        "night": draw.between(0.6, 1.0),
        "weekend": draw.between(0.8, 1.0),
    }
    truth["outage"] |= {"mean_hours": draw.around(6.0, 0.4)}
    truth["customer"] |= {
        "half_of_updates_days": draw.between(2.5, 6.0),
        "cancels_daily": draw.between(0.003, 0.01),
    }
    truth["months"] = {"*": draw.shares({0: 30, 1: 25, 10: 20, 15: 6, 25: 25}, 0.7)}
    base["mix"]["countries"] = draw.shares({"US": 45, "GB": 15, "DE": 15, "PL": 12, "CA": 7, "AU": 6}, 1.0)
    base["issuers"]["words"] = draw.between(0.15, 0.45)
    return Population.model_validate(base | {"name": f"family-{number}", "seed": number, "about": ""})


def odd_world(number: int) -> Population:
    """A world outside the family: a drawn one of seven kinds.

    In four of them banks approve at some hours, on some weekdays, on some days of the month, or at some hours of some weekdays alone. In the
    others nobody is paid on a payday and only the hour counts; codes say next to nothing and banks approve at weekends; and money and
    holds alike come back after a wait that begins with the failure.
    """
    draw = _Draw(number, 2)
    base = family_world(10_000 + number).model_dump(mode="json")
    truth = base["truth"]
    hours = Gate(hours=(int(draw.between(0, 24)), int(draw.between(4, 9))), outside=draw.between(0.03, 0.2))
    weekdays = Gate(
        weekdays=tuple(sorted({int(draw.between(0, 7)) for _ in range(3)})), outside=draw.between(0.05, 0.25)
    )
    month = Gate(
        days_of_month=((first := int(draw.between(1, 26))), first + int(draw.between(4, 12))),
        outside=draw.between(0.1, 0.3),
    )
    weekend = Gate(weekdays=(5, 6), outside=draw.between(0.05, 0.2))
    kinds = ((hours,), (weekdays,), (month,), (hours, weekdays), (hours,), (weekend,), ())
    kind = number % len(kinds)
    by_issuer = kind < 4 and draw.between(0, 1) < 0.3
    truth["hold"]["median_hours"] *= draw.between(0.5, 4.0)
    truth["months"] = {"*": {1 + int(draw.between(0, 28)): 1.0, 1 + int(draw.between(0, 28)): 1.0}}
    if kind == 4:
        truth["funds"] |= {"enough": 0.0, "tops_up_daily": draw.between(0.08, 0.2), "top_up_hours": 48.0}
    elif kind == 5:
        truth["says"] = {
            cause: {family: share + 25.0 for family, share in row.items()}
            for cause, row in truth["says"].items()
        }
        base["issuers"] |= {"words": 0.8, "repeats": 0.1}
    elif kind == 6:
        truth["funds"] |= {"enough": 0.0, "tops_up_daily": draw.between(0.01, 0.03), "top_up_hours": 240.0}
        truth["hold"] |= {
            "median_hours": draw.between(60.0, 160.0),
            "spread": draw.between(0.3, 0.8),
            "never": 0.2,
        }
        truth["causes"] = _held(truth["causes"], draw.between(0.3, 0.5))
    gates = [gate.model_copy(update={"by_issuer": by_issuer}).model_dump() for gate in kinds[kind]]
    return Population.model_validate(
        base | {"name": f"odd-{number}", "seed": 20_000 + number, "gates": gates, "about": ""}
    )


def _held(causes: dict[str, Any], share: float) -> dict[str, Any]:
    """The causes with so many more holds among them, taken from the others."""
    return {
        cause: row | {"share": row["share"] * (1.0 - share) + (share if cause == "hold" else 0.0)}
        for cause, row in causes.items()
    }


class _Draw:
    """Draws of one world, one after the other."""

    def __init__(self, *keys: int) -> None:
        self._keys = keys
        self._count = 0

    def between(self, low: float, high: float) -> float:
        self._count += 1
        return low + (high - low) * float(uniforms(*self._keys, self._count)[0])

    def around(self, middle: float, spread: float) -> float:
        """Between a third and three times ``middle``, mostly within a factor of exp(spread)."""
        bell = sum(self.between(-1, 1) for _ in range(3))
        return middle * float(np.exp(spread * np.clip(bell, -2.2, 2.2)))

    def shares(self, shares: dict[Any, float], spread: float) -> dict[Any, float]:
        """Shares around these."""
        return {key: self.around(share, spread) if share else 0.0 for key, share in shares.items()}


def _causes(truth: dict[str, Any], draw: _Draw) -> None:
    shares = draw.shares({cause: row["share"] for cause, row in truth["causes"].items()}, 0.35)
    total = sum(shares.values())
    scale = draw.between(0.7, 1.3)
    for cause, row in truth["causes"].items():
        row |= {"share": shares[cause] / total, "updates": min(row["updates"] * scale, 0.9)}


def _says(truth: dict[str, Any], draw: _Draw) -> None:
    truth["says"] = {cause: draw.shares(row, 0.4) for cause, row in truth["says"].items()}
