"""Amounts, dates and day counts as a reader of a language expects them. Babel alone: the machine's locale is never asked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, get_day_names
from babel.lists import format_list
from babel.numbers import format_currency, get_currency_precision, get_currency_symbol
from babel.units import format_unit

from recoup.rules.money import Money, exponent, to_decimal

_NO_BREAK_SPACE = "\u00a0"
_FRACTION = re.compile(r"0\.0+")


def amount(money: Money, locale: Locale) -> str:
    """The amount with its currency: ``1 234,50 zł``, ``$1,234.50``, ``PLN 1,234.50``; spaces in it do not break.

    As many decimal digits as the language uses for the currency, and more where the amount needs them: never a digit lost.

    :raises ValueError: an unknown currency.
    """
    code = money.currency.upper()
    digits = _decimal_digits(money)
    pattern = locale.currency_formats["standard"].pattern
    text = format_currency(
        to_decimal(money),
        code,
        format=_FRACTION.sub("0." + "0" * digits if digits else "0", pattern),
        locale=locale,
        currency_digits=False,
        decimal_quantization=False,
    )
    return _spaced(text, get_currency_symbol(code, locale))


def amounts(monies: Sequence[Money], locale: Locale) -> str:
    """Several amounts as a list: ``10,00 zł i 5,00 €``."""
    return format_list([amount(money, locale) for money in monies], locale=locale)


def local_date(moment: datetime, zone: str) -> date:
    """The calendar day on which the moment falls in the zone."""
    return moment.astimezone(ZoneInfo(zone)).date()


def long_date(day: date, locale: Locale) -> str:
    """``22 listopada 2026``, ``November 22, 2026``, ``22 November 2026``."""
    return format_date(day, "long", locale=locale)


def month(year: int, number: int, locale: Locale) -> str:
    """A month as it stands in a date: ``listopada 2026``, ``November 2026``; the space in it does not break."""
    return format_date(date(year, number, 1), "MMMM y", locale=locale).replace(" ", _NO_BREAK_SPACE)


def weekday(day: date, locale: Locale) -> str:
    """The name of the day alone, as a dictionary has it: ``niedziela``, ``Sunday``."""
    name: str = get_day_names("wide", context="stand-alone", locale=locale)[day.weekday()]
    return name


def day_count(count: int, locale: Locale) -> str:
    """``1 dzień``, ``2 dni``, ``22 dni``; ``1 day``, ``5 days``; the space in it does not break."""
    return format_unit(count, "duration-day", length="long", locale=locale).replace(" ", _NO_BREAK_SPACE)


def _decimal_digits(money: Money) -> int:
    most = exponent(money.currency)
    usual = min(get_currency_precision(money.currency.upper()), most)
    return most if money.amount % 10 ** (most - usual) else usual


def _spaced(text: str, symbol: str) -> str:
    """Put a no-break space where a symbol made of letters touches a digit (CLDR's currency spacing; Babel leaves it out)."""
    if not symbol:
        return text
    before, found, after = text.partition(symbol)
    if found and symbol[-1].isalpha() and after[:1].isdigit():
        return f"{before}{symbol}{_NO_BREAK_SPACE}{after}"
    if found and symbol[0].isalpha() and before[-1:].isdigit():
        return f"{before}{_NO_BREAK_SPACE}{symbol}{after}"
    return text
