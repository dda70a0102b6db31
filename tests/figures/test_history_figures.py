"""Involuntary churn and lifetime value against other ways to the same numbers, on both databases."""

# ruff: noqa: S608 - the pieces of SQL are this module's own

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from recoup import figures
from recoup.figures import Estimate, NotEnough, Selection
from recoup.figures.churn import Churn
from recoup.figures.worth import MONTH, LifetimeValue
from recoup.ledger import Ledger
from recoup.ledger.history_rows import Kind
from recoup.rules.case import Outcome
from recoup.rules.money import Money
from recoup.statistics.lifetime import Life, lifetime
from tests.figures.past import READ, SINCE, History, grown
from tests.figures.raw import Raw, raw
from tests.ledger.builders import a_case
from tests.ledger.conftest import KINDS
from tests.ledger.databases import fresh_database, migrate


@pytest.fixture(scope="module", params=KINDS)
def past(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Ledger, str]]:
    """A ledger with history, and its address."""
    if request.param == "sqlite":
        yield from _written(f"sqlite:///{tmp_path_factory.mktemp('past')}/ledger.db")
        return
    with fresh_database(request.getfixturevalue("postgres_url")) as url:
        yield from _written(url)


def _written(url: str) -> Iterator[tuple[Ledger, str]]:
    migrate(url)
    ledger = Ledger.connect(url)
    grown().write(ledger)
    yield ledger, url
    ledger.close()


def _fresh(tmp_path_factory: pytest.TempPathFactory, history: History) -> Ledger:
    url = f"sqlite:///{tmp_path_factory.mktemp('own')}/ledger.db"
    migrate(url)
    ledger = Ledger.connect(url)
    history.write(ledger)
    return ledger


def test_churn_by_month(past: tuple[Ledger, str]) -> None:
    """Active at the start, ended unpaid, ended otherwise: by SQL over the rows of import and cases."""
    made = figures.of(past[0], Selection(now=READ)).involuntary_churn
    assert isinstance(made, Churn)
    assert made.months[0].month == "2024-01"
    suspended = "(SELECT min(closed_at) FROM cases WHERE subscription = s.subscription AND outcome = 'lost_suspended')"
    at = f"coalesce({suspended}, s.ended_at)"
    unpaid = (
        f"({suspended} IS NOT NULL OR s.end_reason = 'payment_failed' OR EXISTS (SELECT 1 FROM history_invoices i"
        " WHERE i.subscription = s.subscription AND i.status = 'open' AND i.made_at <= s.ended_at))"
    )
    with raw(past[1]) as sql:
        for month in made.months:
            first = datetime.strptime(month.month, "%Y-%m").replace(tzinfo=UTC)
            last = (first + timedelta(days=32)).replace(day=1)
            time = {"first": first, "last": last}
            active = f"SELECT count(*) FROM history_subscriptions s WHERE started_at <= :first AND ({at} IS NULL OR {at} > :first)"
            ended = f"SELECT count(*) FROM history_subscriptions s WHERE {at} >= :first AND {at} < :last"
            assert month.active == sql.one(active, first=first)
            assert month.unpaid == sql.one(f"{ended} AND {unpaid}", **time)
            assert month.chosen == sql.one(f"{ended} AND NOT {unpaid}", **time)
    assert sum(month.unpaid for month in made.months) > 10
    assert sum(month.chosen for month in made.months) > 10


def test_before_and_after(past: tuple[Ledger, str]) -> None:
    """The month of the beginning is on neither side, nor is the running one; the ratio is that of the two rates, and says what it is not."""
    made = figures.of(past[0], Selection(now=READ)).involuntary_churn
    assert isinstance(made, Churn)
    compared = made.before_after
    began = f"{compared.began:%Y-%m}"
    before = [month for month in made.months if month.month < began]
    after = [month for month in made.months if month.month > began][:-1]
    assert not made.months[-1].is_whole
    assert (compared.before.months, compared.after.months) == (len(before), len(after))
    rates = [sum(m.unpaid for m in side) / sum(m.active for m in side) for side in (before, after)]
    assert isinstance(compared.ratio, Estimate)
    assert compared.ratio.value == pytest.approx(rates[1] / rates[0])
    assert compared.ratio.low is not None
    assert compared.ratio.low < compared.ratio.value
    assert "Not a proof" in compared.says


def test_lifetime_value(past: tuple[Ledger, str]) -> None:
    """Month by month by hand: the mean of what those pay who are there and watched, times the part that is still there."""
    made = figures.of(past[0], Selection(now=READ)).lifetime_value
    assert isinstance(made, LifetimeValue)
    with raw(past[1]) as sql:
        rows = sql.rows(
            "SELECT c.subscription, min(c.closed_at) FROM cases c JOIN history_subscriptions s ON s.subscription = c.subscription"
            " WHERE c.outcome LIKE 'recovered%' AND s.currency = 'pln' GROUP BY 1"
        )
        people = [_by_hand(sql, name, _aware(origin)) for name, origin in rows]
    found = next(each for each in made.worth if (each.currency, each.months) == ("pln", 12))
    value, there = 0.0, 1.0
    for month in range(12):
        watched = [each for each in people if each[0] >= month + 1 and (each[1] is None or each[1] > month)]
        value += there * sum(each[2][month] for each in watched) / len(watched)
        there *= 1 - sum(each[1] is not None and each[1] <= month + 1 for each in watched) / len(watched)
    assert len(people) > 10
    assert isinstance(found.recovered, Estimate)
    assert isinstance(found.still_there, Estimate)
    assert found.recovered.value == pytest.approx(value)
    assert found.still_there.value == pytest.approx(there)
    assert isinstance(found.never_failed, Estimate)
    assert found.never_failed.n == found.recovered.n == len(people)


def _by_hand(sql: Raw, name: str, origin: datetime) -> tuple[float, float | None, list[int]]:
    """How long one was watched, when they left, what they paid in each month, less what was given back."""
    rows = sql.rows
    paid = [0] * 12
    for amount, refunded, at in rows(
        "SELECT p.paid, (SELECT sum(refunded) FROM history_charges c WHERE c.payment_intent = p.payment_intent), p.paid_at"
        " FROM history_payments p JOIN history_invoices i ON i.invoice = p.invoice WHERE i.subscription = :name AND p.paid > 0",
        name=name,
    ):
        month = (_aware(at) - origin) / MONTH
        if 0 < month < 12:
            paid[int(month)] += int(amount - refunded)
    ends = [
        _aware(row[0])
        for row in rows(
            "SELECT coalesce((SELECT min(closed_at) FROM cases c WHERE c.subscription = s.subscription"
            " AND outcome = 'lost_suspended'), ended_at) FROM history_subscriptions s WHERE s.subscription = :name",
            name=name,
        )
        if row[0] is not None
    ]
    return (READ - origin) / MONTH, (ends[0] - origin) / MONTH if ends else None, paid


def _aware(value: datetime | str) -> datetime:
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def test_nobody_is_extrapolated() -> None:
    """Where nobody was watched through all of it there is no value; where all were, it is the plain mean."""
    lives = [
        Life(30, None, (100,) * 24),
        Life(30, 3.5, (100,) * 4 + (0,) * 20),
        Life(30, 13, (100,) * 13 + (0,) * 11),
    ]
    found = lifetime(lives, 12)
    assert found is not None
    assert found.value.estimate == pytest.approx((1200 + 400 + 1200) / 3)
    assert found.there[-1] == pytest.approx(2 / 3)
    assert found.value.low <= found.value.estimate <= found.value.high
    assert lifetime([Life(11.9, None, (100,) * 24)], 12) is None


def test_watching_less_long_changes_nothing_on_average() -> None:
    """Of a thousand alike half are watched for six months only: the value of a year stays what it was, while their plain mean falls."""
    whole = [
        Life(30, None if n % 4 else 5.0, tuple([100] * (24 if n % 4 else 5) + [0] * (0 if n % 4 else 19)))
        for n in range(1000)
    ]
    half = [
        Life(6 if n % 2 else 30, life.ended, life.paid[:6] + (0,) * 18 if n % 2 else life.paid)
        for n, life in enumerate(whole[::2] + whole[1::2])
    ]
    one, other = lifetime(whole, 12), lifetime(half, 12)
    assert one is not None
    assert other is not None
    assert other.value.estimate == pytest.approx(one.value.estimate, rel=0.02)
    assert sum(sum(life.paid[:12]) for life in half) / 1000 < 0.8 * one.value.estimate


def test_without_an_import_there_is_no_figure_but_the_way_to_one(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Neither churn nor lifetime value is guessed from cases alone."""
    url = f"sqlite:///{tmp_path_factory.mktemp('none')}/ledger.db"
    migrate(url)
    ledger = Ledger.connect(url)
    made = figures.of(ledger, Selection(now=READ))
    ledger.close()
    for figure in (made.involuntary_churn, made.lifetime_value):
        assert isinstance(figure, NotEnough)
        assert "recoup import" in figure.not_enough


def test_an_import_that_has_not_ended_is_no_history(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Half of the subscriptions would be half of the churn."""
    history = History()
    history.subscription("sub_1", SINCE, None, None)
    ledger = _fresh(tmp_path_factory, history)
    assert isinstance(figures.of(ledger, Selection(now=READ)).involuntary_churn, Churn)
    ledger.history.begin(Kind.SUBSCRIPTIONS, SINCE - timedelta(days=1), READ)
    assert isinstance(figures.of(ledger, Selection(now=READ)).involuntary_churn, NotEnough)
    ledger.close()


def test_test_mode_is_left_out_beside_live(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Cases and subscriptions of test mode vanish where live ones are known, and count where there are no others."""
    for has_live, count in ((True, 1), (False, 2)):
        history = History()
        history.subscription("sub_live", SINCE, None, None, live=has_live)
        history.subscription("sub_test", SINCE, None, None, live=False)
        for name, live in (("live", has_live), ("test", False)):
            history.invoice(
                f"in_{name}", f"sub_{name}", "pln", 4900, READ - timedelta(days=50), live=live, paid=False
            )
            ledger_case = (f"in_{name}", f"sub_{name}", "pln", READ - timedelta(days=50))
            history.cases.append((*ledger_case, Outcome.RECOVERED_BY_RETRY, READ - timedelta(days=48)))
        ledger = _fresh(tmp_path_factory, history)
        made = figures.of(ledger, Selection(now=READ))
        ledger.close()
        assert made.recovery_rate.all.cases == count
        assert isinstance(made.involuntary_churn, Churn)
        assert made.involuntary_churn.months[-1].active == count


def test_what_was_given_back_is_told(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A recovered payment that was refunded stays recovered, and the refund stands beside it."""
    history = History()
    history.subscription("sub_1", SINCE, None, None)
    history.invoice("in_1", "sub_1", "pln", 4900, READ - timedelta(days=48), refunded=900)
    history.cases.append(
        (
            "in_1",
            "sub_1",
            "pln",
            READ - timedelta(days=50),
            Outcome.RECOVERED_BY_RETRY,
            READ - timedelta(days=48),
        )
    )
    ledger = _fresh(tmp_path_factory, history)
    made = figures.of(ledger, Selection(now=READ)).recovery_rate
    ledger.close()
    assert made.all.recovered == 1
    assert (made.given_back.cases, made.given_back.money[0].amount) == (1, 900)


@pytest.mark.parametrize("outcome", [Outcome.LOST_SUSPENDED, Outcome.CLOSED_UNCOLLECTIBLE])
def test_a_part_does_not_make_a_debt_recovered(
    tmp_path_factory: pytest.TempPathFactory, outcome: Outcome
) -> None:
    """Of a lost debt a part was paid, less what was given back: lost by count and by money, the part beside it; who returned paid no part."""
    history = History()
    failed, closed = READ - timedelta(days=50), READ - timedelta(days=36)
    history.subscription("sub_1", SINCE, None, None)
    history.invoice("in_1", "sub_1", "pln", 4900, READ - timedelta(days=48), refunded=300, paid_part=1900)
    history.invoice("in_2", "sub_1", "pln", 4900, READ - timedelta(days=48))
    history.invoice("in_3", "sub_1", "pln", 4900, READ - timedelta(days=30))
    history.cases.append(("in_3", "sub_1", "pln", failed, Outcome.LOST_SUSPENDED, closed))
    history.cases.append(("in_1", "sub_1", "pln", failed, outcome, closed))
    history.cases.append(("in_2", "sub_1", "pln", failed, Outcome.RECOVERED_BY_RETRY, closed))
    ledger = _fresh(tmp_path_factory, history)
    ledger.cases.open(a_case("in_3/r2", failed_at=failed, customer="cus_sub_1"), closed)
    ledger.cases.close("in_3/r2", Outcome.RECOVERED_BY_CARD_UPDATE, "came back", READ - timedelta(days=30))
    made = figures.of(ledger, Selection(now=READ)).recovery_rate
    ledger.close()
    (money,) = made.all.money
    assert (made.all.cases, made.all.recovered, money.recovered, money.lost) == (3, 1, 4900, 9800)
    assert made.returned.cases == 1
    assert made.cash[0].money == (Money(amount=4900, currency="pln"),)
    assert made.paid_in_part.cases == 1
    assert made.paid_in_part.money == (Money(amount=1600, currency="pln"),)


def test_more_ended_than_were_there_when_the_month_began(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Who begins and ends within one month ended, but was not among those counted: the rate is all of them, never more."""
    history, first = History(), datetime(2024, 3, 1, tzinfo=UTC)
    for number in range(15):
        started = first - timedelta(days=20) if number < 12 else first + timedelta(days=2)
        history.subscription(f"sub_{number}", started, first + timedelta(days=20), "payment_failed")
    ledger = _fresh(tmp_path_factory, history)
    made = figures.of(ledger, Selection(now=first + timedelta(days=45))).involuntary_churn
    ledger.close()
    assert isinstance(made, Churn)
    march = next(month for month in made.months if month.month == "2024-03")
    assert (march.active, march.unpaid) == (12, 15)
    whole = made.before_after.before
    assert (whole.subscription_months, whole.unpaid) == (12, 15)
    for found in (march.rate, whole.rate):
        assert isinstance(found, Estimate)
        assert found.value == 1


def test_who_failed_is_compared_with_nobody(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Recovered ones are nearest in age to themselves, and to those that failed before Recoup: neither stands among those that never failed."""
    history, recovered = History(), READ - timedelta(days=800)
    for number in range(12):
        for group, amount, days in (("case", 1000, 0), ("past", 2000, 0), ("smooth", 3000, 200)):
            name = f"sub_{group}_{number}"
            history.subscription(name, recovered - timedelta(days=days + 30), None, None)
            failed_first = group == "past"
            history.invoice(f"in_{name}_0", name, "pln", amount, recovered, failed_first=failed_first)
            for month in range(1, 25):
                at = recovered + month * MONTH - timedelta(days=1)
                history.invoice(f"in_{name}_{month}", name, "pln", amount, at)
        failed = recovered - timedelta(days=2)
        name = f"sub_case_{number}"
        history.cases.append((f"in_{name}_0", name, "pln", failed, Outcome.RECOVERED_BY_RETRY, recovered))
    ledger = _fresh(tmp_path_factory, history)
    made = figures.of(ledger, Selection(now=READ)).lifetime_value
    ledger.close()
    assert isinstance(made, LifetimeValue)
    year = next(each for each in made.worth if each.months == 12)
    assert isinstance(year.recovered, Estimate)
    assert isinstance(year.never_failed, Estimate)
    assert year.recovered.value == pytest.approx(12 * 1000)
    assert year.never_failed.value == pytest.approx(12 * 3000)
