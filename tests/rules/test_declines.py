"""How a refusal is read: each party's word, the strictest wins, the newest rules by default."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from recoup.rules.codes import MASTERCARD_ADVICE
from recoup.rules.declines import (
    UNKNOWN_RETRIES,
    Action,
    CustomerReason,
    Decline,
    DeclineClass,
    forbidden,
    read,
    unknown_codes,
)

HOUR = timedelta(hours=1)


def mastercard(advice: str, code: str = "insufficient_funds", network: str = "51") -> Decline:
    return Decline(
        code=code,
        network_advice_code=advice,
        network_decline_code=network,
        brand="mastercard",
        kind="issuer_declined",
    )


def visa(network: str, code: str = "do_not_honor") -> Decline:
    return Decline(code=code, network_decline_code=network, brand="visa")


def debit(kind: str, code: str = "insufficient_funds", network: str | None = None) -> Decline:
    return Decline(code=code, network_decline_code=network, method_type=kind)


def test_a_code_is_read_from_its_row() -> None:
    """Class, pause, action and reason come from the table, and the words say which code it was."""
    reading = read(Decline(code="insufficient_funds", brand="visa"))
    assert (reading.decline_class, reading.action, reading.wait) == (
        DeclineClass.SOFT,
        Action.RETRY,
        20 * HOUR,
    )
    assert (reading.reason, reading.may_retry, reading.most_retries) == (
        CustomerReason.INSUFFICIENT_FUNDS,
        True,
        None,
    )
    assert reading.because == "insufficient_funds: there was not enough money on the account"


def test_an_unknown_code_is_passing_limited_and_flagged() -> None:
    """A code nobody has explained: a day of pause, two more tries, a plain refusal for the customer, and a flag."""
    reading = read(Decline(code="a_code_of_tomorrow"))
    assert (reading.decline_class, reading.wait, reading.most_retries) == (
        DeclineClass.SOFT,
        24 * HOUR,
        UNKNOWN_RETRIES,
    )
    assert (reading.unknown, reading.reason) == (True, CustomerReason.BANK_REFUSED)


def test_unknown_advice_is_flagged_and_changes_nothing() -> None:
    """Advice that no table explains is named with its field; the rest of the decline is read as ever."""
    decline = Decline(
        code="do_not_honor", advice_code="call_mum", network_advice_code="77", brand="mastercard"
    )
    assert unknown_codes(decline) == ("advice_code/call_mum", "network_advice_code/77")
    plain = read(Decline(code="do_not_honor"))
    assert read(decline) == plain.model_copy(update={"unknown": True})
    assert unknown_codes(Decline(code="do_not_honor", network_advice_code="77", brand="visa")) == ()


@pytest.mark.parametrize(
    ("code", "wait"),
    [
        ("issuer_not_available", 3),
        ("insufficient_funds", 20),
        ("do_not_honor", 24),
        ("refer_to_customer", 72),
    ],
)
def test_try_again_later_keeps_the_longer_pause(code: str, wait: int) -> None:
    """The advice allows another attempt, three hours later at the earliest; a code's own longer pause stays."""
    reading = read(Decline(code=code, advice_code="try_again_later"))
    assert (reading.may_retry, reading.wait) == (True, wait * HOUR)


def test_try_again_later_revives_nothing() -> None:
    """Advice to try later does not make a final code passing."""
    for code in ("stolen_card", "expired_card", "authentication_required", "testmode_decline"):
        assert not read(Decline(code=code, advice_code="try_again_later")).may_retry


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("do_not_honor", CustomerReason.CARD_DATA),
        ("processing_error", CustomerReason.CARD_DATA),
        ("insufficient_funds", CustomerReason.INSUFFICIENT_FUNDS),
        ("incorrect_cvc", CustomerReason.CARD_DATA),
    ],
)
def test_wrong_card_data_is_the_customers_to_settle(code: str, reason: CustomerReason) -> None:
    """Stripe's confirm_card_data turns a passing refusal into one that the customer must act on: no silent retry."""
    reading = read(Decline(code=code, advice_code="confirm_card_data"))
    assert (reading.decline_class, reading.action) == (DeclineClass.ACTION, Action.CORRECT_DATA)
    assert (reading.may_retry, reading.reason) == (False, reason)


def test_wrong_card_data_hides_a_suspicion_all_the_same() -> None:
    """Advice about the data does not loosen fraud, neither in class nor in what the customer reads."""
    reading = read(Decline(code="stolen_card", advice_code="confirm_card_data"))
    assert (reading.decline_class, reading.reason) == (DeclineClass.FRAUD, CustomerReason.BANK_REFUSED)


@pytest.mark.parametrize(
    ("advice", "hours"),
    [("02", 72), ("24", 20), ("25", 24), ("26", 48), ("27", 96), ("28", 144), ("29", 192), ("30", 240)],
)
def test_mastercards_pauses_are_kept(advice: str, hours: int) -> None:
    """Each waiting code is kept in full, and never shortens the code's own pause (20 hours against MAC 24's one)."""
    reading = read(mastercard(advice))
    assert (reading.may_retry, reading.wait) == (True, hours * HOUR)
    assert read(mastercard(advice, "do_not_honor", "05")).wait == max(hours, 24) * HOUR


@pytest.mark.parametrize("advice", ["03", "21", "40", "41", "42", "99"])
def test_mastercards_never_is_final(advice: str) -> None:
    """After these nobody may try the card again."""
    assert forbidden(mastercard(advice)) is not None
    assert not read(mastercard(advice)).may_retry


def test_mastercards_new_data_waits_for_the_customer_or_the_updater() -> None:
    """MAC 01: the same data would fail again, so no blind retry; new data may be tried, so nothing is forbidden."""
    reading = read(mastercard("01", "do_not_honor", "05"))
    assert (reading.decline_class, reading.may_retry) == (DeclineClass.ACTION, False)
    assert reading.reason is CustomerReason.CARD_DATA
    assert forbidden(mastercard("01")) is None


@pytest.mark.parametrize("advice", ["04", "22"])
def test_mastercards_set_up_is_the_operators(advice: str) -> None:
    """MAC 04 and 22: something between the merchant and the network; the pause of the code is no leave to try again."""
    reading = read(mastercard(advice, "do_not_honor", "05"))
    assert (reading.decline_class, reading.action, reading.may_retry) == (
        DeclineClass.CONFIG,
        Action.OPERATOR,
        False,
    )


def test_mastercards_information_changes_nothing() -> None:
    """MAC 43 is read and has no effect."""
    assert read(mastercard("43")) == read(Decline(code="insufficient_funds"))


@pytest.mark.parametrize("advice", sorted(MASTERCARD_ADVICE))
def test_mastercards_advice_means_nothing_under_another_brand(advice: str) -> None:
    """The same digits on a Visa card, or without a brand, say nothing."""
    for brand in ("visa", "amex", None):
        decline = Decline(code="insufficient_funds", network_advice_code=advice, brand=brand)
        assert (read(decline).wait, forbidden(decline)) == (20 * HOUR, None)


@pytest.mark.parametrize(
    ("network", "category", "may_retry"),
    [("04", 1, False), ("14", 1, False), ("R1", 1, False), ("51", 2, True), ("5C", 2, True), ("83", 2, True),
     ("54", 3, False), ("82", 3, False), ("N7", 3, False), ("05", 4, True), ("ZZ", 4, True)],
)  # fmt: skip
def test_visas_categories_are_named_and_heeded(network: str, category: int, may_retry: bool) -> None:
    """1 never, 2 and 4 as the code says, 3 only after the customer has checked the data."""
    reading = read(visa(network))
    assert (reading.visa_category, reading.may_retry) == (category, may_retry)
    assert (forbidden(visa(network)) is not None) is (category == 1)
    if category == 3:
        assert (reading.action, reading.reason) == (Action.CORRECT_DATA, CustomerReason.CARD_DATA)


def test_visas_1a_asks_for_authentication() -> None:
    """Category 3 has one code that no other data settles: the customer must confirm."""
    reading = read(visa("1A"))
    assert (reading.needs_authentication, reading.action) == (True, Action.AUTHENTICATE)
    assert reading.reason is CustomerReason.AUTHENTICATION


def test_a_category_is_visas_alone() -> None:
    """Under another brand the same code has no category."""
    other = Decline(code="do_not_honor", network_decline_code="57", brand="mastercard")
    assert (read(other).visa_category, read(other).may_retry) == (None, True)


@pytest.mark.parametrize(
    ("on", "never"),
    [
        (date(2025, 9, 30), True),
        (date(2025, 10, 1), False),
        (date(2026, 10, 24), False),
        (date(2026, 10, 25), True),
        (None, True),
    ],
)
def test_a_dated_rule_holds_from_its_day_on(on: date | None, never: bool) -> None:
    """Visa's 57 was counted as generic for a year and is final again since 2026-10-25; the newest rule is the default."""
    assert (forbidden(visa("57"), on) is not None) is never
    assert read(visa("57"), on).may_retry is not never


def test_what_was_blocked_is_final_and_unexplained() -> None:
    """A payment that Stripe blocked is not tried again with the card, and reads as a plain refusal."""
    reading = read(Decline(code="insufficient_funds", kind="blocked"))
    assert (reading.decline_class, reading.reason) == (DeclineClass.HARD, CustomerReason.BANK_REFUSED)


def test_authentication_is_not_asked_for_where_the_card_is_dead() -> None:
    """Needing 3-D Secure on a card that must never be tried again asks for another card instead."""
    needed = read(Decline(code="authentication_required", brand="visa"))
    assert (needed.needs_authentication, needed.action) == (True, Action.AUTHENTICATE)
    dead = read(Decline(code="authentication_required", network_decline_code="46", brand="visa"))
    assert (dead.needs_authentication, dead.action) == (False, Action.NEW_METHOD)


def test_authentication_survives_a_pause() -> None:
    """Advice to wait beside a code that asks for 3-D Secure does not hide that the customer must act."""
    reading = read(mastercard("26", "authentication_required", "65"))
    assert (reading.needs_authentication, reading.may_retry) == (True, False)


@pytest.mark.parametrize(
    ("kind", "code", "network", "allowed"),
    [
        ("us_bank_account", "insufficient_funds", "R01", True),
        ("us_bank_account", "insufficient_funds", "R09", True),
        ("us_bank_account", "insufficient_funds", None, True),
        ("us_bank_account", "generic_decline", None, False),
        ("us_bank_account", "debit_not_authorized", "R07", False),
        ("us_bank_account", "debit_not_authorized", "R08", False),
        ("us_bank_account", "insufficient_funds", "R99", False),
        ("sepa_debit", "insufficient_funds", "AM04", True),
        ("sepa_debit", "generic_decline", "MS03", True),
        ("sepa_debit", "generic_decline", "AC04", False),
        ("sepa_debit", "generic_decline", "AC06", False),
        ("sepa_debit", "generic_decline", "MD06", False),
        ("sepa_debit", "generic_decline", "MD07", False),
        ("bacs_debit", "refer_to_customer", "0", True),
        ("bacs_debit", "refer_to_customer", None, True),
        ("bacs_debit", "debit_not_authorized", "1", False),
        ("au_becs_debit", "refer_to_customer", None, True),
        ("au_becs_debit", "account_closed", None, False),
        ("nz_bank_account", "insufficient_funds", None, True),
        ("acss_debit", "refer_to_customer", None, False),
        ("sepa_debit", "a_code_of_tomorrow", None, False),
        ("blik", "insufficient_funds", None, True),
        ("blik", "customer_declined", None, False),
        ("paypal", "partner_generic_decline", None, True),
    ],
)  # fmt: skip
def test_a_debit_is_presented_again_only_after_its_schemes_returns(
    kind: str, code: str, network: str | None, allowed: bool
) -> None:
    """Each scheme lists what may be presented again; everything else needs a new mandate or other details."""
    assert read(debit(kind, code, network)).may_retry is allowed


def test_a_debits_prohibition_is_told_with_its_scheme() -> None:
    """The reason names the scheme and its return, and the customer still reads what they can change."""
    closed = debit("sepa_debit", "account_closed", "AC04")
    assert "SEPA Direct Debit, return AC04" in (forbidden(closed) or "")
    assert read(closed).reason is CustomerReason.CARD_DATA


@pytest.mark.parametrize(
    ("kind", "most"), [("us_bank_account", 2), ("acss_debit", 1), ("blik", 4), ("card", None)]
)
def test_no_more_retries_are_planned_than_a_scheme_allows(kind: str, most: int | None) -> None:
    """The reading carries the scheme's number, so that no retry is announced that the guard would refuse."""
    assert read(debit(kind)).most_retries == most
