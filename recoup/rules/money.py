"""Money as Stripe counts it: whole minor units of one currency.

The exponent of a currency (how many decimal digits its minor unit stands for) is Stripe's, not ISO 4217's or CLDR's:
they disagree for the Icelandic krona and the Ugandan shilling, for instance. Source: Stripe, "Supported currencies"
(docs.stripe.com/currencies), sections "Zero-decimal currencies", "Three-decimal currencies" and "Special cases".
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated

from pydantic import Field, StringConstraints

from recoup.rules.base import Wire

Currency = Annotated[str, StringConstraints(pattern=r"^[a-z]{3}$")]
"""A three-letter currency code in lower case, as Stripe writes it."""

ZERO_DECIMAL = frozenset("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split())
"""Their minor unit is the whole unit: 500 is 500 yen."""

THREE_DECIMAL = frozenset("bhd jod kwd omr tnd".split())
"""A thousand minor units make one; Stripe wants the last digit of a charge to be 0 (:func:`is_chargeable`)."""

WHOLE_SENT_AS_HUNDREDTHS = frozenset("isk ugx".split())
"""Stripe's special cases: no fractions exist, yet the API counts them in hundredths, so 5 kronur are 500."""

TWO_DECIMAL = (
    frozenset(
        """
        aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd btn bwp byn bzd cad cdf chf cny
        cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel ghs gip gmd gtq gyd hkd hnl htg huf idr ils inr jmd
        kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr
        nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std svc szl thb tjs top try
        ttd twd tzs uah usd uyu uzs wst xcd xcg yer zar zmw
        """.split()
    )
    | WHOLE_SENT_AS_HUNDREDTHS
)

EXPONENTS: dict[str, int] = {
    **dict.fromkeys(sorted(ZERO_DECIMAL), 0),
    **dict.fromkeys(sorted(TWO_DECIMAL), 2),
    **dict.fromkeys(sorted(THREE_DECIMAL), 3),
}
"""Every currency Stripe can charge, with the number of decimal digits its minor unit stands for."""


class Money(Wire):
    """An amount of one currency, in the minor unit Stripe uses for it (cents, grosz; whole yen)."""

    amount: Annotated[int, Field(strict=True)]
    currency: Currency


def exponent(currency: str) -> int:
    """How many decimal digits the minor unit of this currency stands for.

    :raises ValueError: Stripe has no such currency; guessing an exponent could be wrong by a factor of a hundred.
    """
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise ValueError(
            f"the currency {currency!r} is not one that Stripe can charge, so its minor unit is unknown;"
            " currencies are written as three lower-case letters, such as 'pln'"
        ) from None


def to_decimal(money: Money) -> Decimal:
    """The amount in whole units of the currency, exactly: 123450 grosz are ``Decimal("1234.50")``.

    :raises ValueError: an unknown currency.
    """
    sign = 1 if money.amount < 0 else 0
    digits = tuple(int(digit) for digit in str(abs(money.amount)))
    return Decimal((sign, digits, -exponent(money.currency)))


def in_words(money: Money) -> str:
    """The amount as operators read it, ``1234.50 PLN``; in minor units where Stripe has no such currency."""
    try:
        return f"{to_decimal(money)} {money.currency.upper()}"
    except ValueError:
        return f"{money.amount} minor units of {money.currency.upper()}"


def from_decimal(value: Decimal, currency: str) -> Money:
    """The money that so many whole units of the currency are; nothing is ever rounded.

    :raises ValueError: an unknown currency, a value that is not finite, or one finer than the currency's minor unit.
    """
    places = exponent(currency)
    if not value.is_finite():
        raise ValueError(f"{value} is not an amount of money")
    sign, digits, shift = value.as_tuple()
    assert isinstance(shift, int)
    unscaled = int("".join(map(str, digits)))
    factor, rest = divmod(unscaled * 10 ** max(shift + places, 0), 10 ** max(-shift - places, 0))
    if rest:
        raise ValueError(
            f"{value} {currency} is finer than the currency's minor unit of {places} decimal digits"
        )
    return Money(amount=-factor if sign else factor, currency=currency)


def is_chargeable(money: Money) -> bool:
    """Whether Stripe would take a charge of this amount: positive, and whole where the currency has to be.

    :raises ValueError: an unknown currency.
    """
    if money.amount <= 0:
        return False
    if exponent(money.currency) == 3:
        return money.amount % 10 == 0
    return money.currency not in WHOLE_SENT_AS_HUNDREDTHS or money.amount % 100 == 0


def totals(monies: Iterable[Money]) -> tuple[Money, ...]:
    """The sum for each currency, in the order in which the currencies first appear; currencies are never mixed."""
    sums: dict[str, int] = {}
    for money in monies:
        sums[money.currency] = sums.get(money.currency, 0) + money.amount
    return tuple(Money(amount=amount, currency=currency) for currency, amount in sums.items())
