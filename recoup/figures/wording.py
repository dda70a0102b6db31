"""Figures in words: rates, numbers and money with their intervals, as a language writes them."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from babel import Locale
from babel.dates import format_date
from babel.numbers import format_decimal, format_percent

from recoup.figures.costs import Cost
from recoup.figures.result import Figures
from recoup.figures.values import Estimate, Figure, NotEnough
from recoup.messages.formatting import amount
from recoup.rules.money import Money


def headline(made: Figures, said: Words) -> str:
    """The part recovered within 28 days, of the newest month all of which has had them."""
    mature = made.recovery_rate.last_mature
    if mature is None:
        return said.nothing
    found = next(each for each in mature.within if each.days == 28)
    return f"{said.percent(found.rate)} · {mature.month}"


class Words:
    """Figures, money and days as a language writes them."""

    def __init__(self, locale: Locale, nothing: str) -> None:
        self._locale = locale
        self.nothing = nothing

    def percent(self, figure: Figure) -> str:
        """A rate with its interval and number."""
        return self._with_interval(figure, lambda value: str(format_percent(value, "0.0 %", self._locale)))

    def number(self, figure: Figure, digits: int = 1) -> str:
        """Another figure with its interval and number."""
        form = "#,##0." + "0" * digits
        return self._with_interval(figure, lambda value: str(format_decimal(value, form, self._locale)))

    def value(self, figure: Figure, currency: str) -> str:
        """An amount of money with its interval and number."""
        return self._with_interval(figure, lambda value: self.money(round(value), currency))

    def money(self, minor: int, currency: str) -> str:
        """An amount of minor units."""
        return amount(Money(amount=minor, currency=currency), self._locale)

    def monies(self, monies: Iterable[Money]) -> str:
        """Amounts of several currencies."""
        return ", ".join(amount(money, self._locale) for money in monies) or "–"

    def price(self, cost: Cost, currency: str | None) -> str:
        """What it cost, finer than a minor unit where the prices are."""
        if isinstance(cost.cost, NotEnough) or currency is None:
            return "–"
        return f"{format_decimal(cost.cost, '#,##0.00##', self._locale)} {currency.upper()}"

    def period(self, made: Figures) -> str:
        """The time and the choice."""
        period = made.period
        days = [
            str(format_date(moment.date(), "long", self._locale)) if moment else "…"
            for moment in (period.since, period.until or period.now)
        ]
        chosen = [part for part in (period.currency, period.campaign, period.policy_version) if part]
        return " · ".join([" – ".join(days), *chosen])

    def _with_interval(self, figure: Figure, said: Callable[[float], str]) -> str:
        if not isinstance(figure, Estimate):
            return self.nothing
        count = f"n = {format_decimal(figure.n, locale=self._locale)}"
        if figure.low is None or figure.high is None:
            return f"{said(figure.value)} ({count})"
        return f"{said(figure.value)} [{said(figure.low)}; {said(figure.high)}] ({count})"
