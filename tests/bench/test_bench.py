"""The measurements: what they say of a target, and that each is told in docs/performance.md."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.__main__ import MEASUREMENTS, main
from bench._rows import Figures, Row

DOCUMENT = Path(__file__).parents[2] / "docs" / "performance.md"


@pytest.mark.parametrize(
    ("ours", "base", "limit", "at_least", "met"),
    [
        ((7.0, 8.0, 9.0), (10.0, 10.0, 10.0), 0.7, True, True),
        ((6.0, 6.5, 9.0), (10.0, 10.0, 10.0), 0.7, True, False),
        ((1.0, 2.0, 9.0), None, 2.0, False, True),
        ((1.0, 2.1, 9.0), None, 2.0, False, False),
        ((1.0,), None, None, False, None),
    ],
)
def test_a_target_is_met_by_the_median(
    ours: tuple[float, ...],
    base: tuple[float, ...] | None,
    limit: float | None,
    at_least: bool,
    met: bool | None,
) -> None:
    """The ratio of the medians, or the median itself, on the right side of the limit; the spread is shown beside it."""
    baseline = Figures("baseline", "/s", base) if base else None
    row = Row("name", "what", "target", Figures("ours", "/s", ours), baseline, limit, at_least)
    assert row.is_met is met
    assert {True: ": met", False: "NOT met", None: "no target"}[met] in row.lines()[1]
    assert f"[{min(ours):.4g}, {max(ours):.4g}]" in str(row.ours)


def test_a_measurement_runs_and_leaves_its_figures(tmp_path: Path) -> None:
    """The one that needs no process of its own: a row for each figure, in words and as JSON."""
    file = tmp_path / "figures.json"
    told = CliRunner().invoke(main, ["histories", "--json", str(file)])
    assert told.exit_code == 0, told.output
    rows = json.loads(file.read_text())
    assert [row["name"] for row in rows] == [
        f"{case}-{figure}"
        for case in ("retry-wins", "suspended")
        for figure in ("events", "bytes", "actions")
    ]
    assert all(row["reached"] > 0 for row in rows)


def test_every_measurement_is_told() -> None:
    """docs/performance.md names each, and the command."""
    text = DOCUMENT.read_text(encoding="utf-8")
    assert "make bench" in text
    for name in MEASUREMENTS:
        assert f"`{name}`" in text, name
