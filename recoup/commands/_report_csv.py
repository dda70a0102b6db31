"""The same figures as CSV files, one for each table: numbers, not words; amounts in minor units."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from recoup.errors import ConfigurationError
from recoup.figures import Figures, NotEnough


def write_csv(made: Figures, directory: Path) -> list[Path]:
    """Write all tables; the files that were written.

    Raises:
        ConfigurationError: the directory cannot be written to.
    """
    written = []
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for name, rows in tables(made):
            path = directory / f"{name}.csv"
            _write(path, [dict(_flat(row)) for row in rows])
            written.append(path)
    except OSError as error:
        raise ConfigurationError(f"--csv {directory}: cannot be written to ({error.strerror})") from None
    return written


def tables(made: Figures) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """The name of each table and its rows, as JSON has them."""
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


def _write(path: Path, rows: list[dict[str, Any]]) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns)
        writer.writeheader()
        writer.writerows(rows)
