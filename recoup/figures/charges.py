"""Which case a charge was for, where nobody said it.

Stripe's webhooks about charges name the customer, and since 2025 not the invoice. An import knows it; without one a charge belongs to the
customer's case in the same currency that was open when it was made and owed at least as much: of several the one that failed last.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from datetime import timedelta

from recoup.figures.debts import Debt
from recoup.ledger.figures_rows import FigureCharge

EARLIER = timedelta(hours=1)
"""The first failure is told at the same time as its charge, and dated a little later."""


def placed(charges: Iterable[FigureCharge], debts: Sequence[Debt]) -> list[FigureCharge]:
    """The charges that were for one of these debts, each with its invoice."""
    by_customer: dict[str, list[Debt]] = {}
    for debt in debts:
        by_customer.setdefault(debt.case.customer, []).append(debt)
    found = [_placed(charge, by_customer.get(charge.customer or "", ())) for charge in charges]
    return [charge for charge in found if charge.invoice is not None]


def _placed(charge: FigureCharge, debts: Sequence[Debt]) -> FigureCharge:
    if charge.invoice is not None:
        return charge
    fitting = [debt for debt in debts if _fits(charge, debt)]
    latest = max(fitting, key=lambda debt: debt.case.failed_at, default=None)
    return dataclasses.replace(charge, invoice=latest.case.invoice if latest else None)


def _fits(charge: FigureCharge, debt: Debt) -> bool:
    closed = debt.over_at
    return (
        charge.currency == debt.case.currency
        and charge.amount <= debt.case.amount
        and debt.case.failed_at - EARLIER <= charge.at
        and (closed is None or charge.at <= closed)
    )
