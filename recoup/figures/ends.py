"""How each subscription ended, each once, and whether for want of a payment.

In this order, the first that holds: a case of it ended in a suspension; the customer cancelled on Recoup's page; Stripe says
``payment_failed``; an invoice of it was unpaid when it ended (a program that cancels after failed payments leaves no other trace). All
else is voluntary, or of an unknown will.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from recoup.figures.debts import End
from recoup.figures.facts import Facts
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


def ends_of(history: KnownHistory, facts: Facts) -> dict[str, Ended]:
    """By subscription; those that run are missing, and those too that were suspended and whose customer came back."""
    by_themselves = facts.debts.says("outcome", Outcome.LOST_CANCELLED_BY_CUSTOMER.value)
    left_themselves = {name for name, _, _ in facts.subscriptions(by_themselves)}
    unpaid: dict[str, datetime] = {}
    for invoice in history.unpaid:
        known = unpaid.get(invoice.subscription, invoice.made_at)
        unpaid[invoice.subscription] = min(invoice.made_at, known)
    found = _suspended(facts)
    for each in history.subscriptions:
        if each.ended_at is not None and each.id not in found:
            why = _why(each, each.ended_at, unpaid.get(each.id), left=each.id in left_themselves)
            found[each.id] = Ended(each.id, each.ended_at, why)
    return found


def _suspended(facts: Facts) -> dict[str, Ended]:
    """Those that a case suspended for good, since the first time."""
    found: dict[str, Ended] = {}
    for name, _, at in facts.subscriptions(facts.ended(End.SUSPENDED) & ~facts.debts["returned"]):
        known = found.get(name)
        if name and at is not None and (known is None or at < known.at):
            found[name] = Ended(name, at, Why.UNPAID)
    return found


def _why(each: KnownSubscription, ended: datetime, unpaid: datetime | None, *, left: bool) -> Why:
    if left:
        return Why.CHOSEN
    owes = unpaid is not None and unpaid <= ended
    return Why.UNPAID if each.end_reason == "payment_failed" or owes else Why.CHOSEN
