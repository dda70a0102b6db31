"""Experiments as programs read them."""

from __future__ import annotations

from typing import Any

from recoup.experiments.judging import Judged, Side
from recoup.statistics.intervals import Interval


def as_json(judged: Judged) -> dict[str, Any]:
    """As JSON has it; rates as fractions, money in minor units."""
    experiment = judged.experiment
    return {
        "experiment": experiment.name,
        "control": _as_json(experiment.campaign, judged.control),
        "treatment": _as_json(experiment.instead.name, judged.treatment),
        "within_days": experiment.within_days,
        "verdict": judged.verdict.value,
        "missing": judged.missing,
        "difference": _interval(judged.difference),
        "money": {currency: _interval(each) for currency, each in judged.money.items()},
    }


def _as_json(campaign: str, side: Side) -> dict[str, Any]:
    return {
        "campaign": campaign,
        "drawn": side.drawn,
        "mature": side.mature,
        "needed": side.needed,
        "recovered": side.recovered,
        "rate": _interval(side.rate),
    }


def _interval(interval: Interval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"estimate": interval.estimate, "low": interval.low, "high": interval.high}
