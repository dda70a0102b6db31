"""The tables of declines: whole, consistent, sourced, shown in the documentation, and not behind Stripe's own lists."""

from __future__ import annotations

from collections import Counter
from datetime import date

import pytest

from recoup.rules.codes import (
    CODES,
    MASTERCARD_ADVICE,
    SCHEMES,
    STRIPE_ADVICE,
    TABLES,
    VISA,
    WALLET,
    Action,
    CodeRow,
    CustomerReason,
    DeclineClass,
    scheme_of,
)
from recoup.rules.declines import AUTHENTICATION_CODES
from tests.rules import stripe_names
from tests.rules.declines_page import PAGE, names_in, rendered
from tests.rules.not_for_us import NOT_FOR_US

ROWS = [pytest.param(code, row, id=code) for code, row in sorted(CODES.items())]
ACTIONS = {
    DeclineClass.SOFT: {Action.RETRY, Action.ASK_BANK},
    DeclineClass.CONFIG: {Action.OPERATOR, Action.WAIT_AND_READ},
    DeclineClass.ACTION: {Action.AUTHENTICATE, Action.CORRECT_DATA, Action.ASK_BANK, Action.NEW_METHOD},
    DeclineClass.HARD: {Action.NEW_METHOD, Action.WAIT_AND_READ},
    DeclineClass.FRAUD: {Action.NEW_METHOD},
}


def undecided(named: set[str], rows: set[str] | None = None) -> list[str]:
    """The codes that stand neither in a row nor among those that are not for us."""
    return sorted(named - (set(CODES) if rows is None else rows) - set(NOT_FOR_US))


def test_every_code_that_the_sdk_names_is_decided() -> None:
    """Each error code, decline code and outcome that the SDK's types list has a row, or a reason why it needs none."""
    named = stripe_names.named_by_the_sdk()
    assert len(named) > 200
    assert undecided(named) == []


def test_every_code_that_the_description_names_is_decided() -> None:
    """The same for Stripe's OpenAPI description: outcomes of charges, revoked mandates, blocked bank accounts."""
    named = stripe_names.named_by_the_description()
    assert {"highest_risk_level", "could_not_process", "bank_account_frozen"} <= named
    assert undecided(named) == []


def test_every_code_that_stripes_page_lists_has_a_row() -> None:
    """What neither names, because a decline code is plain text to both, is held against the list of Stripe's own page."""
    assert len(stripe_names.LISTED) > 55
    assert sorted(stripe_names.LISTED - set(CODES)) == []


@pytest.mark.parametrize(
    "code", ["insufficient_funds", "could_not_process", "low_probability_of_authorization"]
)
def test_a_code_left_out_is_noticed(code: str) -> None:
    """Without its row a code that Stripe names is found: an error code, a mandate's end, an outcome told in prose alone."""
    named = stripe_names.named_by_the_sdk() | stripe_names.named_by_the_description()
    assert undecided(named, set(CODES) - {code}) == [code]


def test_every_advice_of_stripes_is_known() -> None:
    """The SDK and the description name exactly the advice codes that have a row."""
    assert stripe_names.advice_codes() == set(STRIPE_ADVICE)


def test_what_is_not_for_us_is_still_named_and_has_no_row() -> None:
    """A code stands either in the tables or among those that cannot come, and the latter are codes that Stripe has."""
    assert not set(NOT_FOR_US) & set(CODES)
    assert sorted(set(NOT_FOR_US) - stripe_names.named_by_the_sdk()) == []


def test_the_returns_that_block_an_account_are_never_presented_again() -> None:
    """The ACH returns after which Stripe blocks a bank account are not among those that allow another presentation."""
    assert not stripe_names.ach_returns() & (SCHEMES["us_bank_account"].returns or set())


@pytest.mark.parametrize(("code", "row"), ROWS)
def test_every_row_is_whole_and_consistent(code: str, row: CodeRow) -> None:
    """Class, action, reason and pause fit together, and the source is named with the day it was read."""
    assert code == code.strip().lower()
    assert row.action in ACTIONS[row.decline_class]
    assert row.meaning
    assert row.source.name
    assert date(2026, 1, 1) < row.source.read_on
    assert (row.wait_hours > 0) if row.decline_class is DeclineClass.SOFT else True
    if row.decline_class in (DeclineClass.HARD, DeclineClass.FRAUD, DeclineClass.ACTION):
        assert row.wait_hours == 0
    if row.decline_class is DeclineClass.FRAUD:
        assert row.reason is CustomerReason.BANK_REFUSED
    assert (row.action is Action.AUTHENTICATE) == (row.reason is CustomerReason.AUTHENTICATION)


def test_every_class_action_and_reason_is_used_and_judged() -> None:
    """A member that is added to an enumeration has to be placed: the rules above name each class, the rows each word."""
    assert set(ACTIONS) == set(DeclineClass)
    assert {row.action for row in CODES.values()} == set(Action)
    assert {row.reason for row in CODES.values()} == set(CustomerReason)
    assert {row.decline_class for row in CODES.values()} == set(DeclineClass)


def test_no_code_stands_in_two_tables() -> None:
    """Each code has one row, so that no table overrules another in silence."""
    twice = [
        code for code, times in Counter(code for t in TABLES.values() for code in t).items() if times > 1
    ]
    assert twice == []


def test_stripes_own_list_of_final_codes_is_final() -> None:
    """What Stripe's Smart Retries never try again by themselves is not tried again here either."""
    final = (
        "incorrect_number lost_card pickup_card stolen_card revocation_of_authorization"
        " revocation_of_all_authorizations authentication_required highest_risk_level transaction_not_allowed"
    )
    classes = {CODES[code].decline_class for code in final.split()}
    assert classes <= {DeclineClass.HARD, DeclineClass.FRAUD, DeclineClass.ACTION}


def test_the_codes_of_authentication_are_those_that_ask_for_it() -> None:
    """The set that others use holds every code whose action is to authenticate, the well-known five among them."""
    assert {
        "authentication_required",
        "authentication_not_handled",
        "invoice_payment_intent_requires_action",
        "payment_intent_authentication_failure",
        "payment_intent_action_required",
    } <= AUTHENTICATION_CODES
    assert "incorrect_cvc" not in AUTHENTICATION_CODES


def test_advice_and_schemes_are_sourced() -> None:
    """Every piece of advice, every category and every scheme says who says so, and when it was read."""
    sources = [row.source for row in (*STRIPE_ADVICE.values(), *MASTERCARD_ADVICE.values())]
    sources += [row.source for row in VISA]
    sources += [scheme.source for scheme in (*SCHEMES.values(), WALLET)]
    assert all(source.name and source.read_on > date(2026, 1, 1) for source in sources)


def test_advice_that_forbids_is_hard() -> None:
    """What must never be tried again is of the class that is never tried again; only what forbids for good is."""
    for row in (*STRIPE_ADVICE.values(), *MASTERCARD_ADVICE.values()):
        assert row.never == (row.decline_class is DeclineClass.HARD)


def test_cards_have_no_scheme_and_everything_else_has() -> None:
    """A card falls under the networks; each debit under its own scheme; what nobody knows under the careful one."""
    assert scheme_of("card") is None
    assert scheme_of("sepa_debit") is SCHEMES["sepa_debit"]
    assert [scheme_of(kind) for kind in ("blik", "paypal", "of_tomorrow")] == [WALLET] * 3


def test_the_page_shows_the_tables_as_they_are() -> None:
    """docs/declines.md is what the rules say now; ``python -m tests.rules.declines_page`` writes it anew."""
    text = PAGE.read_text()
    assert rendered(text) == text
    assert {*TABLES, "Stripe advice", "Mastercard advice", "Visa", "Schemes", "Limits"} == set(names_in(text))


def test_the_page_notices_a_change() -> None:
    """A page whose table is out of date is rendered differently."""
    stale = PAGE.read_text().replace("| `stolen_card` | fraud |", "| `stolen_card` | soft |")
    assert rendered(stale) != stale
