"""Card numbers and expiry dates that a world makes up."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.worlds import Card
from recoup.worlds.methods import Brand, luhn_digit


@given(
    st.sampled_from(["visa", "mastercard", "amex", "discover"]),
    st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True),
)
def test_made_up_numbers_are_valid_and_stay(brand: Brand, key: str) -> None:
    """A number made from a key has the brand's form and a right check digit, and is the same every time."""
    card = Card(brand=brand).with_number(key)
    assert Card(brand=brand, number=card.number).number == card.number
    assert len(card.number or "") == (15 if brand == "amex" else 16)
    assert Card(brand=brand).with_number(key) == card


def test_a_given_number_is_kept() -> None:
    """A card with a number of its own keeps it."""
    card = Card(brand="visa", number="4242424242424242")
    assert card.with_number("any") is card
    assert card.last4 == "4242"


@pytest.mark.parametrize(
    "number", ["4242424242424242", "5555555555554444", "378282246310005", "6011111111111117"]
)
def test_the_check_digit_is_that_of_known_cards(number: str) -> None:
    """Stripe's published test numbers have the check digit that is worked out here."""
    assert luhn_digit(number[:-1]) == number[-1]


@pytest.mark.parametrize(
    ("months", "expected"),
    [(0, (11, 2026)), (1, (12, 2026)), (2, (1, 2027)), (-1, (10, 2026)), (-11, (12, 2025))],
)
def test_expiry_is_counted_from_the_start(months: int, expected: tuple[int, int]) -> None:
    """The last month of a card follows from the month in which the world starts, over the turn of the year too."""
    card = Card(brand="visa", expires_in_months=months)
    assert card.expiry(datetime(2026, 11, 22, tzinfo=UTC)) == expected


def test_fingerprints_tell_cards_apart() -> None:
    """Two numbers have two fingerprints, one number has one."""
    one, other = Card(brand="visa", number="4242424242424242"), Card(brand="visa", number="4000000000000341")
    assert one.fingerprint != other.fingerprint
    assert one.fingerprint == Card(brand="visa", number="4242424242424242", country="PL").fingerprint
