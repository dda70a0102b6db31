"""What brought the money: exactly one cause for each recovered debt, so that the causes come to the recovered ones.

The cause is the last thing done before the money came. It does not say that the money would not have come otherwise: only an
experiment does (``docs/experiments.md``).
"""

from __future__ import annotations

from collections.abc import Sequence

from recoup.figures.debts import Debt
from recoup.figures.recovery import owed
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


def causes(debts: Sequence[Debt], selection: Selection) -> Causes:
    """Of the debts that failed in the selection's time and are recovered."""
    recovered = [debt for debt in debts if debt.is_recovered and selection.holds(debt.case.failed_at)]
    unasked = [debt for debt in recovered if _unasked(debt)]
    found = []
    for outcome, name in ORDER.items():
        mine = [debt for debt in recovered if debt.case.outcome is outcome]
        share = rate(len(mine), len(recovered), "recovered cases")
        found.append(Cause(cause=name, cases=len(mine), share=share, money=owed(mine)))
    return Causes(
        recovered=len(recovered),
        by_cause=tuple(found),
        before_any_message=len(unasked),
        before_any_message_money=owed(unasked),
    )


def _unasked(debt: Debt) -> bool:
    asked, closed = debt.case.asked_at, debt.case.closed_at
    return asked is None or (closed is not None and asked >= closed)
