"""The variables that templates see: facts, written out for the reader's language and time zone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel import Locale

from recoup.messages import formatting
from recoup.messages.facts import CardOnFile, MessageFacts, NextPayment, OpenInvoice
from recoup.rules.money import totals

_BRANDS = {
    "amex": "American Express",
    "jcb": "JCB",
    "unionpay": "UnionPay",
    "mastercard": "Mastercard",
    "unknown": "",
}
"""Names that are not written as Stripe's word for them, with a capital."""

MOST_LISTED = 20
"""So many invoices are listed one by one: mail programs cut a message off that grows without an end."""


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


@dataclass(frozen=True)
class MoreView:
    """The invoices that a message counts and does not list."""

    count: int
    total: str
    """What they come to."""
    suspend_on: DayView | None
    """In a last notice: the first day on which an access of theirs ends."""


@dataclass(frozen=True)
class CardView:
    """The card on file as templates see it: ``{{ card }}`` is ``Visa •••• 4242``."""

    name: str
    month: str
    """Its last month, as it stands in a date: ``November 2026``, ``listopada 2026``."""
    expired: bool
    """Whether that month is over."""

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class NextPaymentView:
    """The payment to come as templates see it."""

    on: DayView
    amount: str | None
    description: str | None


def variables(facts: MessageFacts, locale: Locale) -> dict[str, Any]:
    """Everything a template may use, by name; ``docs/messages.md`` describes each.

    :raises ValueError: an unknown currency.
    """
    items = [_item(item, facts, locale) for item in facts.items]
    listed, rest = _divided(facts.items)
    return {
        "company": facts.company.name,
        "support": facts.company.support,
        "customer_name": facts.customer_name,
        "reason": facts.reason.value,
        "item": items[0] if items else None,
        "items": items,
        "listed": [_item(item, facts, locale) for item in listed],
        "more": _more(rest, facts, locale) if rest else None,
        "total": formatting.amounts(facts.totals, locale),
        "update_url": facts.update_url,
        "next_retry": _day(facts.next_retry_at, facts, locale),
        "suspend_on": _day(facts.suspend_on, facts, locale),
        "access_restored": facts.access_restored,
        "card": _card(facts.card, facts, locale) if facts.card else None,
        "next_payment": _next_payment(facts.next_payment, facts, locale) if facts.next_payment else None,
    }


def _divided(items: Sequence[OpenInvoice]) -> tuple[Sequence[OpenInvoice], Sequence[OpenInvoice]]:
    """What is listed and what is only counted: the message's own invoice first, then whose access ends first."""
    if len(items) <= MOST_LISTED:
        return items, ()
    own, *others = items
    others.sort(key=lambda item: (item.suspend_on is None, item.suspend_on or item.failed_at))
    return [own, *others[: MOST_LISTED - 1]], others[MOST_LISTED - 1 :]


def _more(rest: Sequence[OpenInvoice], facts: MessageFacts, locale: Locale) -> MoreView:
    ends = min((item.suspend_on for item in rest if item.suspend_on is not None), default=None)
    return MoreView(
        count=len(rest),
        total=formatting.amounts(totals(item.due for item in rest), locale),
        suspend_on=_day(ends, facts, locale),
    )


def _card(card: CardOnFile, facts: MessageFacts, locale: Locale) -> CardView:
    today = formatting.local_date(facts.written_at, facts.timezone)
    brand = _BRANDS.get(card.brand or "", (card.brand or "").replace("_", " ").title())
    digits = f"•••• {card.last4}" if card.last4 else ""
    return CardView(
        name=" ".join(part for part in (brand, digits) if part).replace(" ", "\u00a0") or "•••",
        month=formatting.month(card.exp_year, card.exp_month, locale),
        expired=(card.exp_year, card.exp_month) < (today.year, today.month),
    )


def _next_payment(payment: NextPayment, facts: MessageFacts, locale: Locale) -> NextPaymentView:
    on = _day(payment.on, facts, locale)
    assert on is not None
    return NextPaymentView(
        on=on,
        amount=formatting.amount(payment.due, locale) if payment.due else None,
        description=payment.description,
    )


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
