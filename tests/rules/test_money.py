"""Money: Stripe's minor units and exact conversions."""

from __future__ import annotations

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recoup.rules.money import (
    EXPONENTS,
    THREE_DECIMAL,
    TWO_DECIMAL,
    ZERO_DECIMAL,
    Money,
    exponent,
    from_decimal,
    is_chargeable,
    to_decimal,
    totals,
)

monies = st.builds(Money, amount=st.integers(-(10**40), 10**40), currency=st.sampled_from(sorted(EXPONENTS)))


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (123450, "pln", "1234.50"),
        (5, "usd", "0.05"),
        (0, "eur", "0.00"),
        (-1999, "gbp", "-19.99"),
        (500, "jpy", "500"),
        (5120, "kwd", "5.120"),
        (500, "isk", "5.00"),
        (500, "ugx", "5.00"),
        (1045, "huf", "10.45"),
        (80045, "twd", "800.45"),
    ],
)
def test_minor_units_become_whole_units(amount: int, currency: str, expected: str) -> None:
    """Zero-, two- and three-decimal currencies and Stripe's special cases convert as Stripe counts them."""
    assert str(to_decimal(Money(amount=amount, currency=currency))) == expected


@given(monies)
def test_conversion_there_and_back_loses_nothing(money: Money) -> None:
    """For every currency and amounts of any length, minor units to whole units and back is the same money."""
    assert from_decimal(to_decimal(money), money.currency) == money


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12, places=3))
def test_from_decimal_is_exact_or_refuses(value: Decimal) -> None:
    """A value either converts to exactly the same value or is refused; it is never rounded."""
    try:
        money = from_decimal(value, "pln")
    except ValueError:
        assert value != value.quantize(Decimal("0.01"))
    else:
        assert to_decimal(money) == value


@pytest.mark.parametrize("value", ["0.001", "1.999", "NaN", "Infinity"])
def test_what_is_no_amount_of_the_currency_is_refused(value: str) -> None:
    """Fractions of a grosz and things that are no number are refused."""
    with pytest.raises(ValueError, match=r"minor unit|not an amount"):
        from_decimal(Decimal(value), "pln")


def test_scientific_notation_converts_exactly() -> None:
    """A decimal written with an exponent means the same amount."""
    assert from_decimal(Decimal("1.5E+3"), "usd") == Money(amount=150000, currency="usd")


@pytest.mark.parametrize("currency", ["xyz", "PLN", "", "usdc"])
def test_an_unknown_currency_is_one_clear_sentence(currency: str) -> None:
    """An unknown currency is refused with a sentence that names it, rather than guessed at."""
    with pytest.raises(ValueError, match="is not one that Stripe can charge") as raised:
        exponent(currency)
    assert repr(currency) in str(raised.value)
    assert raised.value.__suppress_context__


def test_the_table_has_each_currency_once() -> None:
    """No currency stands in two rows of the exponent table."""
    assert len(EXPONENTS) == len(ZERO_DECIMAL) + len(TWO_DECIMAL) + len(THREE_DECIMAL)
    assert EXPONENTS["isk"] == EXPONENTS["ugx"] == 2


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        (1, "pln", True),
        (0, "pln", False),
        (-5, "pln", False),
        (5120, "kwd", True),
        (5124, "kwd", False),
        (500, "isk", True),
        (550, "isk", False),
        (501, "ugx", False),
        (7, "jpy", True),
    ],
)
def test_amounts_stripe_would_not_take(amount: int, currency: str, expected: bool) -> None:
    """Nothing, less than nothing, odd thousandths and fractions of whole-unit currencies cannot be charged."""
    assert is_chargeable(Money(amount=amount, currency=currency)) is expected


@given(st.lists(monies, max_size=8))
def test_totals_keep_currencies_apart(items: list[Money]) -> None:
    """Each currency is summed by itself, in the order of first appearance."""
    sums = totals(items)
    assert [total.currency for total in sums] == list(dict.fromkeys(item.currency for item in items))
    for total in sums:
        assert total.amount == sum(item.amount for item in items if item.currency == total.currency)
