"""Cases for the tests of the rules, built as a case really begins."""

from __future__ import annotations

from datetime import UTC, datetime

from recoup.rules.case import Case
from recoup.rules.declines import Decline
from recoup.rules.money import Money
from recoup.rules.policy import Campaign

START = datetime(2026, 11, 2, 8, 0, tzinfo=UTC)


def a_case(decline: Decline | None = None, campaign: Campaign | None = None, **changes: object) -> Case:
    """A case of 49.00 USD that failed at :data:`START` for want of money."""
    case = Case(
        id="in_1",
        invoice="in_1",
        customer="cus_1",
        subscription="sub_1",
        due=Money(amount=4900, currency="usd"),
        failed_at=START,
        campaign=campaign or Campaign(),
        decline=decline or Decline(code="insufficient_funds", brand="visa"),
        payment_method="pm_1",
    )
    return case.model_copy(update=changes)
