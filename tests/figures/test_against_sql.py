"""Every figure of the ledger against SQL by hand over the same tables, on SQLite and PostgreSQL."""

# ruff: noqa: S608 - the pieces of SQL are this module's own

from __future__ import annotations

import statistics
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from recoup import figures
from recoup.digest.week import week_of
from recoup.figures import Estimate, Figures, Selection
from recoup.figures.causes import ORDER
from recoup.figures.keeping import facts_of
from recoup.ledger import Ledger
from tests.figures.raw import IN_A_RATE, RECOVERED, Raw, raw
from tests.figures.scene import END

SINCE, UNTIL = datetime(2026, 8, 15, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC)
IN_TIME = "failed_at >= :since AND failed_at < :until"
TIME = {"since": SINCE, "until": UNTIL}


@pytest.fixture
def sql(played: tuple[Ledger, str]) -> Iterator[Raw]:
    """The other way."""
    with raw(played[1]) as opened:
        yield opened


@pytest.fixture
def made(played: tuple[Ledger, str]) -> Figures:
    """Recoup's way."""
    return figures.of(played[0], Selection(now=END, since=SINCE, until=UNTIL))


def test_the_recovery_rate_by_count_and_by_money(made: Figures, sql: Raw) -> None:
    """Cases and amounts, of all and of the closed ones, for each currency alone, to the cent."""
    found = made.recovery_rate.all
    where = f"FROM cases WHERE {IN_A_RATE} AND {IN_TIME}"
    assert found.cases == sql.one(f"SELECT count(*) {where}", **TIME)
    assert found.open == sql.one(f"SELECT count(*) {where} AND outcome IS NULL", **TIME) > 0
    assert found.recovered == sql.one(f"SELECT count(*) {where} AND {RECOVERED}", **TIME) > 0
    assert isinstance(found.of_all, Estimate)
    assert found.of_all.value == found.recovered / found.cases
    assert isinstance(found.of_closed, Estimate)
    assert found.of_closed.value == found.recovered / (found.cases - found.open)
    assert [each.currency for each in found.money] == ["eur", "pln", "usd"]
    for each in found.money:
        part = f"SELECT sum(amount) {where} AND currency = :currency"
        given = TIME | {"currency": each.currency}
        assert each.failed == sql.one(part, **given)
        assert each.recovered == sql.one(f"{part} AND {RECOVERED}", **given)
        assert each.open == sql.one(f"{part} AND outcome IS NULL", **given)
        assert each.lost == each.failed - each.recovered - each.open


@pytest.mark.parametrize("days", [7, 14, 28, 60])
def test_recovered_within(made: Figures, sql: Raw, days: int) -> None:
    """Only cases that have had the days count, above the line and below it."""
    found = next(each for each in made.recovery_rate.within if each.days == days)
    aged = f"FROM cases WHERE {IN_A_RATE} AND {IN_TIME} AND {sql.days(':now', 'failed_at')} >= {days}"
    quick = f"{RECOVERED} AND {sql.days('closed_at', 'failed_at')} <= {days}.00000001"
    given = TIME | {"now": END}
    assert found.cases == sql.one(f"SELECT count(*) {aged}", **given)
    assert found.recovered == sql.one(f"SELECT count(*) {aged} AND {quick}", **given)
    assert found.too_young == made.recovery_rate.all.cases - found.cases
    for each in found.money:
        mine = given | {"currency": each.currency}
        assert each.failed == sql.one(f"SELECT sum(amount) {aged} AND currency = :currency", **mine)
        assert each.recovered == sql.one(
            f"SELECT sum(amount) {aged} AND {quick} AND currency = :currency", **mine
        )


def test_cohorts_and_cash(made: Figures, sql: Raw) -> None:
    """By the month of the failure and by the month of the payment."""
    failed, closed = sql.month("failed_at"), sql.month("closed_at")
    cohorts = sql.rows(
        f"SELECT {failed}, count(*), sum(CASE WHEN {RECOVERED} THEN 1 ELSE 0 END) FROM cases"
        f" WHERE {IN_A_RATE} AND {IN_TIME} GROUP BY 1 ORDER BY 1",
        **TIME,
    )
    found = made.recovery_rate.cohorts
    assert [(each.month, each.shares.cases, each.shares.recovered) for each in found] == cohorts
    cash = sql.rows(
        f"SELECT {closed}, count(*), sum(amount) FROM cases WHERE {RECOVERED} AND currency = 'pln'"
        " AND closed_at >= :since AND closed_at < :until GROUP BY 1 ORDER BY 1",
        **TIME,
    )
    mine = [
        (each.month, money.amount)
        for each in made.recovery_rate.cash
        for money in each.money
        if money.currency == "pln"
    ]
    assert mine == [(month, int(amount)) for month, _, amount in cash]


def test_what_stands_beside_the_rates(made: Figures, sql: Raw) -> None:
    """Voided and excluded ones are counted apart, and so are those who returned."""
    out = f"FROM cases WHERE NOT is_return AND NOT ({IN_A_RATE}) AND {IN_TIME}"
    found = made.recovery_rate
    assert found.left_out.cases == sql.one(f"SELECT count(*) {out}", **TIME) > 0
    assert sum(money.amount for money in found.left_out.money) == sql.one(f"SELECT sum(amount) {out}", **TIME)
    back = f"FROM cases WHERE is_return AND outcome LIKE 'recovered%' AND {IN_TIME}"
    assert found.returned.cases == sql.one(f"SELECT count(*) {back}", **TIME) > 0
    assert sum(money.amount for money in found.returned.money) == sql.one(
        f"SELECT sum(amount) {back}", **TIME
    )


def test_causes(made: Figures, sql: Raw) -> None:
    """By outcome, and before any message went out."""
    rows = sql.rows(f"SELECT outcome, count(*) FROM cases WHERE {RECOVERED} AND {IN_TIME} GROUP BY 1", **TIME)
    expected = dict.fromkeys(ORDER.values(), 0) | {ORDER[outcome]: count for outcome, count in rows}
    assert {each.cause: each.cases for each in made.causes.by_cause} == expected
    unasked = sql.one(
        f"SELECT count(*) FROM cases WHERE {RECOVERED} AND {IN_TIME} AND NOT EXISTS"
        " (SELECT 1 FROM messages WHERE case_id = cases.id AND sending_at < cases.closed_at)",
        **TIME,
    )
    assert made.causes.before_any_message == unasked > 0


def test_time_to_recover(made: Figures, sql: Raw) -> None:
    """The middle and the mean of the recovered cases that have had 28 days."""
    rows = sql.rows(
        f"SELECT {sql.days('closed_at', 'failed_at')} FROM cases WHERE {RECOVERED} AND {IN_TIME}"
        f" AND {sql.days(':now', 'failed_at')} >= 28",
        **TIME | {"now": END},
    )
    days = [float(row[0]) for row in rows]
    times = made.time_to_recover
    assert times.recovered == len(days)
    assert isinstance(times.median, Estimate)
    assert isinstance(times.mean, Estimate)
    assert times.median.value == pytest.approx(statistics.median(days), abs=1e-6)
    assert times.mean.value == pytest.approx(statistics.fmean(days), abs=1e-6)


def test_attempts_and_refusals(made: Figures, sql: Raw) -> None:
    """Made in the time, whenever the case failed; refusals by code, ours and others' apart."""
    sent = "state IN ('paid', 'declined') AND sent_at >= :since AND sent_at < :until"
    assert made.attempts.made == sql.one(f"SELECT count(*) FROM attempts WHERE {sent}", **TIME)
    assert made.attempts.paid == sql.one(
        f"SELECT count(*) FROM attempts WHERE {sent} AND state = 'paid'", **TIME
    )
    second = sql.one(f"SELECT count(*) FROM attempts WHERE {sent} AND number = 2", **TIME)
    assert next(each for each in made.attempts.by_number if each.what == "2").attempts == second
    mine = sql.one(f"SELECT count(*) FROM attempts WHERE {sent} AND state = 'declined'", **TIME)
    theirs = sql.one(
        "SELECT count(*) FROM observed_charges WHERE failed AND made_at >= :since AND made_at < :until",
        **TIME,
    )
    assert sum(each.ours for each in made.declines.by_code) == mine
    assert sum(each.others for each in made.declines.by_code) == theirs
    assert made.declines.refused == mine + theirs
    refused = "FROM events WHERE kind = 'attempt_refused' AND at >= :since AND at < :until"
    assert made.attempts.refused_by_guard == sql.one(f"SELECT count(*) {refused}", **TIME) > 0
    cases = sql.one(f"SELECT count(DISTINCT case_id) {refused}", **TIME)
    assert made.attempts.cases_refused_by_guard == cases
    for name in ("by_hour", "by_weekday", "by_hour_of_week", "by_trigger", "by_brand", "by_number"):
        assert sum(each.attempts for each in getattr(made.attempts, name)) == made.attempts.made
    told: dict[str, list[bool]] = {}
    for at, state in sql.rows(f"SELECT sent_at, state FROM attempts WHERE {sent}", **TIME):
        told.setdefault(f"{datetime.fromisoformat(str(at)):%A %H}", []).append(state == "paid")
    by_hour = {each.what: (each.attempts, each.paid) for each in made.attempts.by_hour_of_week}
    assert by_hour == {what: (len(paid), sum(paid)) for what, paid in told.items()}
    assert len(by_hour) > 7


def test_a_week(played: tuple[Ledger, str], sql: Raw) -> None:
    """What failed, was recovered and was lost in some weeks, each by its own moment; without what is in no rate, and without returns."""
    since, until = datetime(2026, 9, 7, tzinfo=UTC), datetime(2026, 9, 28, tzinfo=UTC)
    week = week_of(facts_of(played[0], Selection(now=END), whole=True), since, until)
    time = {"since": since, "until": until}
    failed = f"FROM cases WHERE {IN_A_RATE} AND {IN_TIME}"
    ended = f"FROM cases WHERE {IN_A_RATE} AND closed_at >= :since AND closed_at < :until"
    for found, where in (
        (week.failed, failed),
        (week.recovered, f"{ended} AND {RECOVERED}"),
        (week.lost, f"{ended} AND NOT ({RECOVERED})"),
    ):
        assert found.cases == sql.one(f"SELECT count(*) {where}", **time) > 0
        assert sum(money.amount for money in found.money) == sql.one(f"SELECT sum(amount) {where}", **time)


def test_the_funnel(made: Figures, sql: Raw) -> None:
    """Told, clicked, updated: from messages and links."""
    steps = {step.step: step.cases for step in made.funnel.steps}
    told = "EXISTS (SELECT 1 FROM messages WHERE case_id = cases.id AND state IN ('sent', 'unknown', 'returned'))"
    base = f"SELECT count(*) FROM cases WHERE {IN_A_RATE} AND {IN_TIME} AND {told}"

    def seen(kind: str) -> str:
        return (
            f"EXISTS (SELECT 1 FROM events WHERE kind = '{kind}' AND events.customer = cases.customer"
            " AND at >= opened_at AND (closed_at IS NULL OR at <= closed_at))"
        )

    assert steps["sent"] == sql.one(base, **TIME)
    assert steps["clicked"] == sql.one(f"{base} AND {seen('link_opened')}", **TIME) > 0
    assert steps["updated"] == sql.one(f"{base} AND {seen('link_opened')} AND {seen('link_used')}", **TIME)
    assert steps["delivered"] is steps["mail_opened"] is None


@pytest.mark.parametrize(
    "part",
    [{"currency": "eur"}, {"campaign": "big"}, {"policy_version": "v2"}],
    ids=lambda part: next(iter(part)),
)
def test_a_part_is_a_part(played: tuple[Ledger, str], sql: Raw, part: dict[str, str]) -> None:
    """One currency, one campaign, one policy version."""
    ((column, value),) = part.items()
    found = figures.of(played[0], Selection.model_validate({"now": END} | part)).recovery_rate.all
    assert found.cases == sql.one(
        f"SELECT count(*) FROM cases WHERE {IN_A_RATE} AND {column} = :value", value=value
    )
