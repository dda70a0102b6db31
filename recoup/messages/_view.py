"""The variables that templates see: facts, written out for the reader's language and time zone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel import Locale

from recoup.messages import formatting
from recoup.messages.facts import MessageFacts, OpenInvoice


@dataclass(frozen=True)
class DayView:
    """A day as templates see it: ``{{ day }}`` is the date, ``{{ day.weekday }}`` its name."""

    date: str
    weekday: str
    days_left: int
    """Days from the writing to it, in the customer's calendar; 0 is today, and the past is below 0."""
    count: str
    """The same in words: ``3 days``."""

    def __str__(self) -> str:
        return self.date


@dataclass(frozen=True)
class ItemView:
    """One invoice as templates see it."""

    number: str
    description: str
    amount: str
    failed_on: DayView
    pay_url: str | None
    suspend_on: DayView | None


def variables(facts: MessageFacts, locale: Locale) -> dict[str, Any]:
    """Everything a template may use, by name; ``docs/messages.md`` describes each.

    :raises ValueError: an unknown currency.
    """
    items = [_item(item, facts, locale) for item in facts.items]
    return {
        "company": facts.company.name,
        "support": facts.company.support,
        "customer_name": facts.customer_name,
        "reason": facts.reason.value,
        "item": items[0],
        "items": items,
        "total": formatting.amounts(facts.totals, locale),
        "update_url": facts.update_url,
        "next_retry": _day(facts.next_retry_at, facts, locale),
        "suspend_on": _day(facts.suspend_on, facts, locale),
        "access_restored": facts.access_restored,
    }


def _item(item: OpenInvoice, facts: MessageFacts, locale: Locale) -> ItemView:
    failed_on = _day(item.failed_at, facts, locale)
    assert failed_on is not None
    return ItemView(
        number=item.number,
        description=item.description,
        amount=formatting.amount(item.due, locale),
        failed_on=failed_on,
        pay_url=item.pay_url,
        suspend_on=_day(item.suspend_on, facts, locale),
    )


def _day(moment: datetime | None, facts: MessageFacts, locale: Locale) -> DayView | None:
    if moment is None:
        return None
    day = formatting.local_date(moment, facts.timezone)
    left = (day - formatting.local_date(facts.written_at, facts.timezone)).days
    return DayView(
        date=formatting.long_date(day, locale),
        weekday=formatting.weekday(day, locale),
        days_left=left,
        count=formatting.day_count(abs(left), locale),
    )
