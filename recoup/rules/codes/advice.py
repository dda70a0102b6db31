"""What Stripe and Mastercard advise beside a refusal: whether, and when at the earliest, to try again."""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from recoup.rules.codes.words import (
    ACTION,
    CONFIG,
    CORRECT_DATA,
    HARD,
    NEW_METHOD,
    OPERATOR,
    RETRY,
    SOFT,
    Action,
    DeclineClass,
    Source,
)


class AdviceRow(NamedTuple):
    """One piece of advice. It can make a refusal stricter, never milder."""

    decline_class: DeclineClass
    action: Action
    wait_hours: int
    """No attempt with the same method sooner than this."""
    never: bool
    """Whether it forbids every further attempt with the method."""
    meaning: str
    source: Source


_STRIPE = Source(
    "Stripe, Card declines, retrying issuer declines: docs.stripe.com/declines/card", date(2026, 5, 9)
)
_MAC = Source("Mastercard merchant advice codes: developer.paypal.com/braintree", date(2026, 11, 22))
_WAITS = Source(
    "Mastercard Authorization Optimizer, with response code 51: developers.tabapay.com", date(2026, 11, 22)
)
_PSP = Source("Mastercard merchant advice codes: docs.solidgate.com", date(2026, 11, 22))

STRIPE_ADVICE: dict[str, AdviceRow] = {
    "confirm_card_data": AdviceRow(ACTION, CORRECT_DATA, 0, False, "the card's data is wrong", _STRIPE),
    "do_not_try_again": AdviceRow(HARD, NEW_METHOD, 0, True, "do not try this card again", _STRIPE),
    # Stripe names no time: the shortest pause of any code is the least that "later" can mean.
    "try_again_later": AdviceRow(SOFT, RETRY, 3, False, "try again later", _STRIPE),
}

MASTERCARD_ADVICE: dict[str, AdviceRow] = {
    "01": AdviceRow(ACTION, CORRECT_DATA, 0, False, "the account has new information", _MAC),
    "02": AdviceRow(SOFT, RETRY, 72, False, "try again later", _PSP),
    "03": AdviceRow(HARD, NEW_METHOD, 0, True, "do not try again", _MAC),
    "04": AdviceRow(CONFIG, OPERATOR, 0, False, "token requirements are not fulfilled", _PSP),
    "21": AdviceRow(HARD, NEW_METHOD, 0, True, "the customer stopped the recurring payment", _MAC),
    "22": AdviceRow(CONFIG, OPERATOR, 0, False, "the merchant does not qualify for the product", _PSP),
    "24": AdviceRow(SOFT, RETRY, 1, False, "the bank asks to wait 1 hour", _WAITS),
    "25": AdviceRow(SOFT, RETRY, 24, False, "the bank asks to wait 24 hours", _WAITS),
    "26": AdviceRow(SOFT, RETRY, 48, False, "the bank asks to wait 2 days", _WAITS),
    "27": AdviceRow(SOFT, RETRY, 96, False, "the bank asks to wait 4 days", _WAITS),
    "28": AdviceRow(SOFT, RETRY, 144, False, "the bank asks to wait 6 days", _WAITS),
    "29": AdviceRow(SOFT, RETRY, 192, False, "the bank asks to wait 8 days", _WAITS),
    "30": AdviceRow(SOFT, RETRY, 240, False, "the bank asks to wait 10 days", _WAITS),
    "40": AdviceRow(HARD, NEW_METHOD, 0, True, "a prepaid card that cannot be topped up", _MAC),
    "41": AdviceRow(HARD, NEW_METHOD, 0, True, "a virtual card for a single use", _MAC),
    "42": AdviceRow(HARD, NEW_METHOD, 0, True, "the sanctions score is too high", _PSP),
    "43": AdviceRow(SOFT, RETRY, 0, False, "a virtual card for several uses", _PSP),
    "99": AdviceRow(HARD, NEW_METHOD, 0, True, "do not try again", _PSP),
}
