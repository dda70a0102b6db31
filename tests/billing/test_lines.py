"""What an invoice is for, as a customer reads it."""

from __future__ import annotations

from typing import Any

import pytest

from recoup.billing.lines import described


def _invoice(*lines: str | None, own: str | None = None) -> dict[str, Any]:
    return {"description": own, "lines": {"data": [{"description": line} for line in lines]}}


@pytest.mark.parametrize(
    ("invoice", "words"),
    [
        (_invoice("1 × Plan Zespół"), "Plan Zespół"),
        (_invoice("1 × Team plan (at $49.00 / month)"), "Team plan"),
        (_invoice("1 × Team plan (yearly) (at $49.00 / year)"), "Team plan (yearly)"),
        (_invoice("5 × Team plan (at $49.00 / month)"), "5 × Team plan (at $49.00 / month)"),
        (_invoice(None, "Support in October"), "Support in October"),
        (_invoice("1 × Team plan", own="October"), "October"),
        (_invoice(), None),
        ({}, None),
    ],
)
def test_a_single_unit_is_called_by_its_plan(invoice: dict[str, Any], words: str | None) -> None:
    """Stripe's own wording around one unit of a plan is left out; everything else stays as it was written."""
    assert described(invoice) == words
