"""Amounts, dates and day counts in Polish and English."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from babel import Locale
from hypothesis import given
from hypothesis import strategies as st

from recoup.messages import formatting
from recoup.rules.money import EXPONENTS, Money, to_decimal

PL, EN, GB, DE = (Locale.parse(name) for name in ("pl", "en", "en_GB", "de"))


@pytest.mark.parametrize(
    ("minor", "currency", "locale", "expected"),
    [
        (123450, "pln", PL, "1 234,50 zł"),
        (123450, "usd", EN, "$1,234.50"),
        (123450, "usd", GB, "US$1,234.50"),
        (123450, "eur", EN, "€1,234.50"),
        (123450, "eur", PL, "1 234,50 €"),
        (123450, "pln", EN, "PLN 1,234.50"),
        (123450, "usd", PL, "1 234,50 USD"),
        (123450, "usd", DE, "1.234,50 $"),
        (500, "jpy", EN, "¥500"),
        (500, "isk", EN, "ISK 5"),
        (550, "isk", EN, "ISK 5.50"),
        (500, "ugx", PL, "5 UGX"),
        (5120, "kwd", EN, "KWD 5.120"),
        (1045, "huf", PL, "10,45 HUF"),
        (-1999, "gbp", EN, "-£19.99"),
        (100, "lak", EN, "LAK 1"),
        (101, "lak", EN, "LAK 1.01"),
    ],
)
def test_amounts_read_as_in_the_language(minor: int, currency: str, locale: Locale, expected: str) -> None:
    """Symbol, separators and digits are those of the reader's language; every space in an amount is a no-break one."""
    shown = formatting.amount(Money(amount=minor, currency=currency), locale)
    assert shown == expected.replace(" ", "\u00a0")


@given(
    amount=st.integers(-(10**14), 10**14),
    currency=st.sampled_from(sorted(EXPONENTS)),
    locale=st.sampled_from([PL, EN, GB, DE]),
)
def test_an_amount_never_loses_a_digit(amount: int, currency: str, locale: Locale) -> None:
    """For every currency, what is shown reads back as exactly the amount."""
    money = Money(amount=amount, currency=currency)
    symbols = locale.number_symbols["latn"]
    shown = formatting.amount(money, locale)
    digits = re.sub(rf"[^\d{re.escape(symbols['decimal'])}]", "", shown.replace(symbols["group"], ""))
    # A symbol such as "Kč" holds no digit; one such as "L." may leave a stray point at an end.
    assert Decimal(digits.strip(symbols["decimal"]).replace(symbols["decimal"], ".")) == abs(
        to_decimal(money)
    )
    assert " " not in shown


def test_an_unknown_currency_is_refused() -> None:
    """An amount whose minor unit is unknown is not guessed at."""
    with pytest.raises(ValueError, match="is not one that Stripe can charge"):
        formatting.amount(Money(amount=1, currency="xyz"), EN)


@pytest.mark.parametrize(
    ("locale", "expected"),
    [(PL, "10,00 zł, 5,00 € i ¥7"), (EN, "PLN 10.00, €5.00, and ¥7"), (GB, "PLN 10.00, €5.00 and JP¥7")],
)
def test_several_amounts_are_a_list(locale: Locale, expected: str) -> None:
    """Totals of several currencies are joined as the language joins lists."""
    monies = [Money(amount=a, currency=c) for a, c in ((1000, "pln"), (500, "eur"), (7, "jpy"))]
    expected = expected.replace("¥7", "7 JPY") if locale is PL else expected
    assert formatting.amounts(monies, locale).replace("\u00a0", " ") == expected


@pytest.mark.parametrize(
    ("count", "pl", "en"),
    [
        (0, "0 dni", "0 days"),
        (1, "1 dzień", "1 day"),
        (2, "2 dni", "2 days"),
        (5, "5 dni", "5 days"),
        (22, "22 dni", "22 days"),
        (101, "101 dni", "101 days"),
    ],
)
def test_days_are_counted_with_the_right_plural(count: int, pl: str, en: str) -> None:
    """Day counts take the plural form of the language."""
    assert formatting.day_count(count, PL) == pl.replace(" ", "\u00a0")
    assert formatting.day_count(count, EN) == en.replace(" ", "\u00a0")


def test_dates_read_as_in_the_language() -> None:
    """Dates and weekdays are written out in the language and its region."""
    day = date(2026, 11, 22)
    assert [formatting.long_date(day, locale) for locale in (PL, EN, GB)] == [
        "22 listopada 2026",
        "November 22, 2026",
        "22 November 2026",
    ]
    assert [formatting.weekday(day, locale) for locale in (PL, EN)] == ["niedziela", "Sunday"]


def test_a_moment_falls_on_the_readers_own_day() -> None:
    """Late in the evening UTC it is already tomorrow in Warsaw and still today in New York."""
    moment = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    assert formatting.local_date(moment, "Europe/Warsaw") == date(2026, 11, 23)
    assert formatting.local_date(moment, "America/New_York") == date(2026, 11, 22)
