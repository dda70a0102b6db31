"""Amounts, moments and spans as a reader of the console expects them: in their language, in the company's time zone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_date, format_time, format_timedelta
from babel.numbers import format_decimal, format_percent

from recoup.messages import formatting
from recoup.rules.money import Money, in_words


@dataclass(frozen=True, slots=True)
class Writing:
    """Writes for one reader at one moment."""

    locale: Locale
    zone: str
    now: datetime

    def money(self, amount: int, currency: str) -> str:
        """``1,234.50 zł`` as the language has it; minor units where Stripe has no such currency."""
        money = Money(amount=amount, currency=currency)
        try:
            return formatting.amount(money, self.locale)
        except ValueError:
            return in_words(money)

    def percent(self, part: float, digits: int = 0) -> str:
        """``63%``, ``63 %``, as the language has it."""
        if not digits:
            return format_percent(part, locale=self.locale)
        pattern = self.locale.percent_formats[None].pattern
        return format_percent(part, pattern.replace("0", f"0.{'0' * digits}"), locale=self.locale)

    def number(self, value: float, digits: int = 1) -> str:
        """A number with so many decimal digits at most."""
        return format_decimal(round(value, digits), locale=self.locale)

    def price(self, value: Decimal, currency: str) -> str:
        """An amount finer than a minor unit where prices are."""
        return f"{format_decimal(value, '#,##0.00##', self.locale)} {currency.upper()}"

    def monies(self, monies: Iterable[Money]) -> str:
        """Amounts of several currencies."""
        return ", ".join(self.money(each.amount, each.currency) for each in monies) or "–"

    def weekday(self, index: int) -> str:
        """A day of the week, short; Monday is 0."""
        return str(self.locale.days["stand-alone"]["abbreviated"][index])

    def moment(self, at: datetime) -> str:
        """Day and time, with the year where it is another one."""
        return f"{self.day(at)}, {self.time(at)}"

    def day(self, at: datetime) -> str:
        """The day, ``Tue 24 Nov``, with the year where it is another one."""
        local, today = self._local(at), self._local(self.now)
        skeleton = "EEE d MMM" if local.year == today.year else "d MMM y"
        return format_date(local.date(), skeleton, locale=self.locale)

    def time(self, at: datetime) -> str:
        """The time of day."""
        return format_time(self._local(at).time(), "short", locale=self.locale)

    def zone_name(self, at: datetime) -> str:
        """The time zone at that moment, ``CET``."""
        return self._local(at).tzname() or self.zone

    def utc(self, at: datetime) -> str:
        """The moment for machines and for whoever points at it."""
        return f"{at:%Y-%m-%d %H:%M:%S} UTC"

    def distance(self, at: datetime) -> str:
        """How far away it is, roughly: ``in 3 days``, ``2 hours ago``."""
        return str(format_timedelta(at - self.now, add_direction=True, locale=self.locale, threshold=1.1))

    def is_now(self, at: datetime) -> bool:
        """Whether it is so near that nobody would say how far away it is."""
        return abs(at - self.now) < timedelta(seconds=45)

    def opening(self, text: str) -> str:
        """The words as they begin a sentence."""
        return text[:1].upper() + text[1:]

    def is_past(self, at: datetime) -> bool:
        """Whether it has come."""
        return at <= self.now

    def day_number(self, since: datetime, until: datetime | None = None) -> int:
        """How many days had passed since then by another moment, or by now; the first is 0."""
        return max(((until or self.now) - since).days, 0)

    def _local(self, at: datetime) -> datetime:
        return at.astimezone(ZoneInfo(self.zone))
