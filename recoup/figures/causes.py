"""What brought the money: exactly one cause for each recovered debt, so that the causes come to the recovered ones.

The cause is the last thing done before the money came. It does not say that the money would not have come otherwise: only an
experiment does (``docs/experiments.md``).
"""

from __future__ import annotations

from recoup.figures.columns import NEVER
from recoup.figures.facts import Facts
from recoup.figures.selection import Selection
from recoup.figures.values import Figure, rate
from recoup.rules.base import Frozen
from recoup.rules.case import Outcome
from recoup.rules.money import Money

ORDER: dict[Outcome, str] = {
    Outcome.RECOVERED_BY_OPERATOR: "operator",
    Outcome.RECOVERED_OUTSIDE: "outside",
    Outcome.RECOVERED_BY_CARD_UPDATE: "card_update",
    Outcome.RECOVERED_BY_ACCOUNT_UPDATER: "account_updater",
    Outcome.RECOVERED_BY_CUSTOMER: "customer",
    Outcome.RECOVERED_BY_RETRY: "retry",
    Outcome.RECOVERED_BY_STRIPE: "stripe",
}
"""Who had asked for the attempt that collected; first what a person did, then what the calendar did."""


class Cause(Frozen):
    """One of them."""

    cause: str
    cases: int
    share: Figure
    """Of the recovered debts."""
    money: tuple[Money, ...]


class Causes(Frozen):
    """All of them, in their order."""

    recovered: int
    by_cause: tuple[Cause, ...]
    before_any_message: int
    """So many were recovered before anybody had asked the customer."""
    before_any_message_money: tuple[Money, ...]


def causes(facts: Facts, selection: Selection) -> Causes:
    """Of the debts that failed in the selection's time and are recovered."""
    recovered = facts.recovered & facts.failed_in(selection)
    asked, closed = facts.debts["asked_at"], facts.debts["closed_at"]
    unasked = recovered & ((asked == NEVER) | (asked >= closed))
    count, found = int(recovered.sum()), []
    for outcome, name in ORDER.items():
        mine = recovered & facts.debts.says("outcome", outcome.value)
        cases = int(mine.sum())
        share = rate(cases, count, "recovered cases")
        found.append(Cause(cause=name, cases=cases, share=share, money=facts.owed(mine)))
    return Causes(
        recovered=count,
        by_cause=tuple(found),
        before_any_message=int(unasked.sum()),
        before_any_message_money=facts.owed(unasked),
    )
