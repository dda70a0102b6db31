"""Figures as plain tables for files: numbers, not words; amounts in minor units."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from recoup.figures.result import Figures
from recoup.figures.values import NotEnough


def sheets(made: Figures) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The name of each table and its rows, each value under the name of its column."""
    return ((name, [dict(_flat(row)) for row in rows]) for name, rows in _tables(made))


def columns(rows: Iterable[dict[str, Any]]) -> list[str]:
    """The columns that rows have, in their order."""
    return list(dict.fromkeys(column for row in rows for column in row))


def _tables(made: Figures) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    said = made.model_dump(mode="json")
    recovery = said["recovery_rate"]
    money = [{"of": each["currency"]} | each for each in recovery["all"].pop("money")]
    yield "recovery_rate", [{"of": "cases", **recovery["all"]}]
    yield "recovery_rate_money", money
    yield "within", _apart(recovery["within"], "money")
    yield (
        "within_money",
        [
            {"days": each.days, **one.model_dump(mode="json")}
            for each in made.recovery_rate.within
            for one in each.money
        ],
    )
    estimated = recovery["estimated"]
    yield "estimated", [{"day": day, "recovered": figure} for day, figure in estimated["by_day"].items()]
    yield "estimated_curve", estimated["curve"]
    yield "cohorts", [{"month": each["month"], "is_mature": each["is_mature"], **_without(each["shares"], "money")} for each in recovery["cohorts"]]  # fmt: skip
    yield "cash", recovery["cash"]
    beside = ("left_out", "returned", "given_back", "paid_in_part")
    yield "beside", [{"what": name, **recovery[name]} for name in beside]
    yield "causes", said["causes"]["by_cause"]
    yield "time_to_recover", [said["time_to_recover"]]
    if not isinstance(made.involuntary_churn, NotEnough):
        yield "involuntary_churn", said["involuntary_churn"]["months"]
        yield "before_after", [_without(said["involuntary_churn"]["before_after"], "says")]
    if not isinstance(made.lifetime_value, NotEnough):
        yield "lifetime_value", said["lifetime_value"]["worth"]
    attempts = said["attempts"]
    groups = [name for name in attempts if name.startswith("by_")]
    yield "attempts", [{"by": name.removeprefix("by_"), **row} for name in groups for row in attempts[name]]
    yield "declines", said["declines"]["by_code"]
    yield "first_codes", said["declines"]["by_first_code"]
    yield "costs", [*said["costs"]["messages"], said["costs"]["fees_avoided"]]
    yield "funnel", said["funnel"]["steps"]


def _apart(rows: Iterable[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [_without(row, *names) for row in rows]


def _without(row: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name not in names}


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Columns of a row: what lies inside a value gets its name behind it; amounts get a column for each currency."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _flat(inner, f"{name}_{key}" if name else key)
    elif isinstance(value, list):
        for one in value:
            yield f"{name}_{one['currency']}", one["amount"]
    else:
        yield name, value
