"""Charges that name no invoice find their case, or none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recoup.figures.charges import placed
from recoup.figures.debts import Debt
from recoup.ledger.figures_rows import FigureCharge
from recoup.rules.case import Outcome
from tests.figures.test_identities import NOW, a_case

OLDER = Debt(a_case(1, Outcome.LOST_SUSPENDED, 40, 14, amount=5000))
NEWER = Debt(a_case(2, None, 35, amount=2000))


def _charge(days_ago: float, amount: int, **more: str | None) -> FigureCharge:
    values = {"invoice": None, "customer": "cus_1", "currency": "pln"} | more
    at = NOW - timedelta(days=days_ago)
    return FigureCharge(brand="visa", amount=amount, failed=True, code="do_not_honor", at=at, **values)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("charge", "invoice"),
    [
        (_charge(40, 5000), "in_1"),
        (_charge(34, 2000), "in_2"),
        (_charge(34, 5000), "in_1"),
        (_charge(10, 5000), None),
        (_charge(34, 5000, customer="cus_2"), None),
        (_charge(34, 2000, currency="eur"), None),
        (_charge(1, 99, invoice="in_9", customer="cus_2"), "in_9"),
    ],
    ids=["the first failure", "the newer case", "too much for the newer", "closed by then", "another customer",
         "another currency", "said"],
)  # fmt: skip
def test_a_charge_belongs_to_the_open_case_that_owed_as_much(
    charge: FigureCharge, invoice: str | None
) -> None:
    """By customer, currency, amount and time; what was said is never changed, and what fits nowhere is left out."""
    assert [each.invoice for each in placed([charge], [OLDER, NEWER])] == ([invoice] if invoice else [])
