"""The guard for bank debits and other methods: how often and until when one debt may be presented."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules.codes import SCHEMES, WALLET, scheme_of
from recoup.rules.declines import Decline
from recoup.rules.networks import HIGHEST_CAP, may_attempt

FIRST = datetime(2026, 3, 1, 8, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.mark.parametrize(
    ("kind", "times"),
    [
        ("us_bank_account", 3),
        ("sepa_debit", 3),
        ("bacs_debit", 3),
        ("au_becs_debit", 3),
        ("nz_bank_account", 2),
        ("acss_debit", 2),
        ("blik", 5),
        ("paypal", 5),
    ],
)
def test_a_debt_is_presented_so_often_and_not_once_more(kind: str, times: int) -> None:
    """The first presentation and the scheme's repetitions are allowed; the next is refused for good."""
    presented: list[datetime] = []
    for number in range(times):
        at = FIRST + number * 3 * DAY
        assert may_attempt(None, presented, None, at, method_type=kind).allowed
        presented.append(at)
    said = may_attempt(None, presented, None, FIRST + 25 * DAY, method_type=kind)
    assert (said.allowed, said.not_before) == (False, None)
    assert f"{times} times at most" in said.because


@pytest.mark.parametrize(("kind", "days"), [("us_bank_account", 180), ("sepa_debit", 30), ("acss_debit", 30)])
def test_none_is_presented_after_the_window(kind: str, days: int) -> None:
    """The last moment of the scheme's window is allowed, a second later is not."""
    last = FIRST + days * DAY
    assert may_attempt(None, [FIRST], None, last, method_type=kind).allowed
    late = may_attempt(None, [FIRST], None, last + timedelta(seconds=1), method_type=kind)
    assert (late.allowed, late.not_before) == (False, None)


def test_a_revoked_authorization_is_never_presented_again() -> None:
    """ACH R07 and R08 end it, however few presentations there were."""
    for code in ("R07", "R08"):
        decline = Decline(
            code="debit_not_authorized", network_decline_code=code, method_type="us_bank_account"
        )
        said = may_attempt(None, [FIRST], decline, FIRST + DAY, method_type="us_bank_account")
        assert (said.allowed, said.not_before) == (False, None)
        assert f"ACH, return {code}" in said.because


def test_an_operators_lower_cap_holds_for_debits_too() -> None:
    """A cap of two allows one repetition where the scheme would allow two."""
    assert may_attempt(None, [FIRST], None, FIRST + DAY, 2, "sepa_debit").allowed
    assert not may_attempt(None, [FIRST, FIRST + DAY], None, FIRST + 2 * DAY, 2, "sepa_debit").allowed


@given(
    st.sampled_from([*SCHEMES, "blik", "link"]),
    st.lists(st.timedeltas(timedelta(0), timedelta(days=100)), max_size=20),
    st.integers(1, HIGHEST_CAP),
)
def test_greedy_presentations_never_breach_a_scheme(kind: str, gaps: list[timedelta], cap: int) -> None:
    """Whoever presents as often as the guard allows stays within the scheme's number and window, and the operator's cap."""
    scheme, made, now = scheme_of(kind) or WALLET, list[datetime](), FIRST
    for gap in gaps:
        now += gap
        if may_attempt(None, made, None, now, cap, kind).allowed:
            made.append(now)
    assert len(made) <= min(scheme.retries + 1, cap)
    assert all(moment <= made[0] + scheme.window for moment in made)
