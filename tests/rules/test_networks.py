"""The network guard: no history of attempts, on any card at any time, makes it allow a breach."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules.codes import VISA
from recoup.rules.declines import Decline
from recoup.rules.networks import DAY, HIGHEST_CAP, MONTH, RULES, may_attempt, rules_for

moments = st.datetimes(datetime(2025, 6, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
brands = st.sampled_from(["visa", "mastercard", "amex", None, "a_network_of_tomorrow"])


@given(
    st.lists(st.timedeltas(timedelta(0), timedelta(days=90)), max_size=60),
    moments,
    brands,
    st.integers(1, HIGHEST_CAP),
)
def test_greedy_attempts_never_breach_a_limit(
    gaps: list[timedelta], start: datetime, brand: str | None, cap: int
) -> None:
    """Whoever tries as soon and as often as the guard allows stays under every limit of every window."""
    made: list[datetime] = []
    now = start
    for gap in gaps:
        now += gap / 10
        said = may_attempt(brand, made, None, now, cap)
        if not said.allowed:
            assert said.not_before is not None
            assert said.not_before > now
            now = said.not_before
            assert may_attempt(brand, made, None, now, cap).allowed
        made.append(now)
    for last in made:
        for rule in rules_for(brand, last.date()):
            assert sum(1 for moment in made if last - rule.window < moment <= last) <= rule.limit
        assert sum(1 for moment in made if last - MONTH < moment <= last) <= cap


@given(st.lists(moments, max_size=60), moments, brands)
def test_not_before_is_the_first_allowed_moment(
    attempts: list[datetime], at: datetime, brand: str | None
) -> None:
    """A second before the named moment is still refused, the moment itself is allowed."""
    attempts = [moment for moment in attempts if moment <= at]
    said = may_attempt(brand, attempts, None, at)
    if said.not_before is not None:
        assert may_attempt(brand, attempts, None, said.not_before).allowed
        just_before = said.not_before - timedelta(seconds=1)
        if just_before > at:
            assert not may_attempt(brand, attempts, None, just_before).allowed


@pytest.mark.parametrize(
    ("brand", "count", "window", "allowed"),
    [
        ("visa", 14, MONTH, True),
        ("visa", 15, MONTH, False),
        ("mastercard", 9, DAY, True),
        ("mastercard", 10, DAY, False),
        ("amex", 15, MONTH, False),
        ("amex", 10, DAY, False),
        ("cartes_bancaires", 9, DAY, True),
        ("cartes_bancaires", 10, DAY, False),
        (None, 9, DAY, True),
        (None, 10, DAY, False),
    ],
)
def test_the_limits_are_exact(brand: str, count: int, window: timedelta, allowed: bool) -> None:
    """One attempt under the limit is allowed, at the limit it is not."""
    at = datetime(2026, 11, 22, tzinfo=UTC)
    attempts = [at - window + timedelta(minutes=number + 1) for number in range(count)]
    assert may_attempt(brand, attempts, None, at).allowed is allowed


@pytest.mark.parametrize("brand", ["visa", "mastercard", None])
def test_an_operators_cap_is_never_above_the_networks(brand: str | None) -> None:
    """A cap set too high counts as the highest allowed one, also where the network itself would allow more."""
    at = datetime(2026, 11, 22, tzinfo=UTC)
    attempts = [at - timedelta(days=2, minutes=number) for number in range(20)]
    assert not may_attempt(brand, attempts, None, at, cap=1000).allowed


@pytest.mark.parametrize(
    "decline",
    [
        Decline(code="do_not_honor", brand="visa", network_decline_code="57"),
        Decline(code="do_not_honor", brand="mastercard", network_advice_code="03"),
        Decline(code="do_not_honor", brand="mastercard", network_advice_code="21"),
        Decline(code="do_not_honor", advice_code="do_not_try_again"),
    ],
)
def test_a_final_no_of_the_network_is_final(decline: Decline) -> None:
    """After a network's never there is no later moment at which the card may be tried."""
    said = may_attempt(decline.brand, [], decline, datetime(2026, 11, 22, tzinfo=UTC))
    assert (said.allowed, said.not_before) == (False, None)


def test_dated_rules_hold_from_their_day_on() -> None:
    """Visa's 20 count from 2025-05-25; the day before it was 15."""
    assert [rule.limit for rule in rules_for("visa", date(2025, 5, 24))] == [15]
    assert [rule.limit for rule in rules_for("visa", date(2025, 5, 25))] == [20]


def test_every_rule_names_its_source() -> None:
    """A limit without a source, and the day it was read, could not be defended."""
    assert all(rule.source.name and rule.limit > 0 for rule in RULES)
    assert all(rule.source.read_on > date(2026, 1, 1) for rule in RULES)


def test_no_rule_begins_before_it_was_read() -> None:
    """Readings take the newest rule unless a day is given: one that is only announced must wait for its day."""
    assert all(rule.since <= rule.source.read_on for rule in RULES)
    assert all(row.since <= row.source.read_on for row in VISA)
