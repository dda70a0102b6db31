"""What a customer owes, as the page shows it: the ledger says which invoices are cases, Stripe says what is left of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from babel import Locale
from pydantic import ValidationError

from recoup.errors import ConfigurationError
from recoup.ledger import CaseRow, Ledger
from recoup.messages import formatting
from recoup.rules.declines import read
from recoup.rules.money import Money, totals
from recoup.rules.policy import Campaign, RetryMode
from recoup.web.customer._history import History
from recoup.web.standing import is_under_way, newest_decline, suspension_of
from recoup.web.stripe_side import OpenInvoice, Owing

IN_SIGHT = 20
"""So many invoices are shown at once; the others unfold, so that the ways to pay stay near."""


@dataclass(frozen=True, slots=True)
class Item:
    """One invoice that is still to be paid."""

    invoice: OpenInvoice
    suspended: bool
    under_way: bool
    """A payment for it has been sent to the bank and has no final answer yet."""
    confirm: bool = False
    """The bank waits for the customer's own confirmation (3-D Secure), which Stripe's page of the invoice asks for."""
    promised: datetime | None = None
    """By when the customer promised to pay it."""
    promisable: str | None = None
    """The case that would take such a promise."""
    may_retry: bool = True
    """Whether the payment method that was refused may be tried again without the customer."""


@dataclass(frozen=True, slots=True)
class Debt:
    """Everything that one page shows."""

    items: tuple[Item, ...]
    suspend_at: datetime | None
    """When access ends if nothing is paid: the earliest of the open cases; None where none has such a date."""
    timezone: str | None = None
    """The zone in which the customer reads dates; None for the company's."""
    customer: str = ""

    @property
    def totals(self) -> tuple[Money, ...]:
        """What is owed, for each currency."""
        return totals(item.invoice.due for item in self.items)

    @property
    def subscriptions(self) -> tuple[str, ...]:
        """The subscriptions of which something is open."""
        return tuple(
            dict.fromkeys(item.invoice.subscription for item in self.items if item.invoice.subscription)
        )

    @property
    def promisable(self) -> tuple[str, ...]:
        """The cases that would take a promise to pay."""
        return tuple(item.promisable for item in self.items if item.promisable)

    @property
    def promised(self) -> datetime | None:
        """The latest day by which something of it was promised to be paid."""
        return max((item.promised for item in self.items if item.promised), default=None)

    @property
    def is_suspended(self) -> bool:
        """Whether an access is suspended now."""
        return any(item.suspended for item in self.items)


def debt_of(ledger: Ledger, customer: str, owing: Owing, history: History, now: datetime) -> Debt:
    """The customer's debt: open invoices that have a case which is open or ended in a suspension, and were not cancelled."""
    open_cases = {case.invoice: case for case in ledger.cases.open_of_customer(customer)}
    suspended = {case.invoice for case in ledger.cases.suspended_of_customer(customer)}
    items = tuple(
        _item(ledger, invoice, open_cases.get(invoice.id), invoice.id in suspended, history, now)
        for invoice in owing.invoices
        if (invoice.id in open_cases or invoice.id in suspended) and invoice.id not in history.cancelled
    )
    owed = {item.invoice.id for item in items}
    moments = [
        suspension_of(ledger, case, history.promises.get(case.id))
        for id_, case in open_cases.items()
        if id_ in owed
    ]
    ahead = [moment for moment in moments if moment is not None and moment > now]
    suspend_at = min(ahead, default=None)
    return Debt(items=items, suspend_at=suspend_at, timezone=owing.timezone, customer=customer)


def _item(
    ledger: Ledger,
    invoice: OpenInvoice,
    case: CaseRow | None,
    suspended: bool,
    history: History,
    now: datetime,
) -> Item:
    promised = history.promises.get(case.id) if case else None
    decline = newest_decline(ledger, case)
    reading = read(decline) if decline is not None else None
    gone = suspended or _is_return(case)
    return Item(
        invoice=invoice,
        suspended=gone,
        under_way=is_under_way(ledger, invoice.id),
        confirm=reading is not None and reading.needs_authentication,
        promised=promised if promised is not None and promised > now else None,
        promisable=case.id if case and promised is None and not gone and _takes_promises(case) else None,
        may_retry=reading is None or reading.may_retry,
    )


def values(debt: Debt, locale: Locale, zone: str) -> dict[str, Any]:
    """The debt as templates see it, written out for the reader.

    Raises:
        ConfigurationError: a currency whose minor unit nobody knows; a guess could be wrong by a factor of a hundred.
    """
    try:
        return _written_out(debt, locale, zone)
    except ValueError as error:
        raise ConfigurationError(f"What is owed cannot be shown: {error}") from error


def _written_out(debt: Debt, locale: Locale, zone: str) -> dict[str, Any]:
    suspend_on = formatting.local_date(debt.suspend_at, debt.timezone or zone) if debt.suspend_at else None
    return {
        "items": [_shown(item, locale) for item in debt.items],
        "in_sight": IN_SIGHT,
        "more": formatting.amounts(totals(item.invoice.due for item in debt.items[IN_SIGHT:]), locale)
        if len(debt.items) > IN_SIGHT
        else None,
        "total": formatting.amounts(debt.totals, locale) if debt.items else None,
        "suspended": debt.is_suspended,
        "promised_on": _promised(debt, locale, zone),
        "tried_then": any(item.may_retry for item in debt.items if item.promised),
        "suspend_on": formatting.long_date(suspend_on, locale) if suspend_on else None,
        "suspend_weekday": formatting.weekday(suspend_on, locale) if suspend_on else None,
    }


def _promised(debt: Debt, locale: Locale, zone: str) -> str | None:
    if debt.promised is None:
        return None
    day = formatting.local_date(debt.promised, debt.timezone or zone)
    return f"{formatting.weekday(day, locale)}, {formatting.long_date(day, locale)}"


def _shown(item: Item, locale: Locale) -> dict[str, Any]:
    pay_url = item.invoice.pay_url if _is_web_address(item.invoice.pay_url) else None
    return {
        "description": item.invoice.description,
        "number": item.invoice.number,
        "amount": formatting.amount(item.invoice.due, locale),
        "pay_url": pay_url,
        "confirm": item.confirm and not item.under_way and pay_url is not None,
        "suspended": item.suspended,
        "promised": item.promised is not None,
        "under_way": item.under_way,
    }


def _is_web_address(address: str | None) -> bool:
    return address is not None and address.startswith(("https://", "http://"))


def _is_return(case: CaseRow | None) -> bool:
    return case is not None and case.is_return


def _takes_promises(case: CaseRow) -> bool:
    """Whether nobody but Recoup retries it: Stripe's own retries would not wait for a promised day."""
    try:
        return Campaign.model_validate(case.policy).retries.mode is RetryMode.OWN
    except ValidationError:  # begun by another release
        return False
