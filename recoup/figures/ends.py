"""How each subscription ended, each once, and whether for want of a payment.

In this order, the first that holds: a case of it ended in a suspension; the customer cancelled on Recoup's page; Stripe says
``payment_failed``; an invoice of it was unpaid when it ended (a program that cancels after failed payments leaves no other trace). All
else is voluntary, or of an unknown will.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recoup.figures.debts import Debt, End
from recoup.ledger.history_figures import KnownHistory, KnownSubscription
from recoup.rules.case import Outcome


class Why(StrEnum):
    """What it ended for."""

    UNPAID = "unpaid"
    """A payment failed and was not recovered."""
    CHOSEN = "chosen"
    """The customer, or nobody knows who, ended it with nothing owed."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of a subscription."""

    subscription: str
    at: datetime
    why: Why


def ends_of(history: KnownHistory, debts: Sequence[Debt]) -> dict[str, Ended]:
    """By subscription; those that run are missing, and those too that were suspended and whose customer came back."""
    left_themselves = {
        debt.case.subscription for debt in debts if debt.case.outcome is Outcome.LOST_CANCELLED_BY_CUSTOMER
    }
    unpaid: dict[str, datetime] = {}
    for invoice in history.unpaid:
        known = unpaid.get(invoice.subscription, invoice.made_at)
        unpaid[invoice.subscription] = min(invoice.made_at, known)
    found = _suspended(debts)
    for each in history.subscriptions:
        if each.ended_at is not None and each.id not in found:
            why = _why(each, each.ended_at, unpaid.get(each.id), left=each.id in left_themselves)
            found[each.id] = Ended(each.id, each.ended_at, why)
    return found


def _suspended(debts: Iterable[Debt]) -> dict[str, Ended]:
    """Those that a case suspended for good, since the first time."""
    found: dict[str, Ended] = {}
    for debt in debts:
        name, at = debt.case.subscription, debt.case.closed_at
        if debt.end is End.SUSPENDED and debt.returned is None and name is not None and at is not None:
            known = found.get(name)
            found[name] = known if known is not None and known.at <= at else Ended(name, at, Why.UNPAID)
    return found


def _why(each: KnownSubscription, ended: datetime, unpaid: datetime | None, *, left: bool) -> Why:
    if left:
        return Why.CHOSEN
    owes = unpaid is not None and unpaid <= ended
    return Why.UNPAID if each.end_reason == "payment_failed" or owes else Why.CHOSEN
