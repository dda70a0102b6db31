"""How a customer stands with all their cases, for the CRM's properties."""

from __future__ import annotations

from collections.abc import Callable

from activities.contracts import CaseView
from recoup.integrations.destination import Standing
from recoup.integrations.published import PublicEvent
from recoup.ledger import CaseRow, Ledger
from recoup.rules.money import Money, to_decimal
from recoup.rules.step import Step, StepKind

View = Callable[[str], CaseView | None]
"""Asks a case's workflow, which alone knows its next step; ``None`` where it cannot be asked now."""


def standing_of(event: PublicEvent, ledger: Ledger, view: View) -> Standing:
    """Where the customer's cases stand at this moment."""
    open_ = ledger.cases.open_of_customer(event.customer)
    if not open_:
        case = ledger.cases.get(event.case.id)
        stage = case.stage.value if case else ""
        outcome = case.outcome.value if case and case.outcome else ""
        return Standing(stage, _sum([], event.case.currency), event.case.currency, outcome, next_action="")
    newest = open_[0]
    due = _sum([case for case in open_ if case.currency == newest.currency], newest.currency)
    seen = view(newest.id)
    if seen is None:
        return Standing(newest.stage.value, due, newest.currency, outcome="", next_action=None)
    return Standing(seen.case.stage.value, due, newest.currency, outcome="", next_action=_said(seen.next))


def _said(step: Step) -> str:
    if step.kind is StepKind.END:
        return ""
    when = f" on {step.due_at:%Y-%m-%d %H:%M} UTC" if step.due_at is not None else ""
    return f"{step.kind.value.replace('_', ' ')}{when}: {step.because}"


def _sum(cases: list[CaseRow], currency: str) -> str:
    total = sum(case.amount for case in cases)
    try:
        return str(to_decimal(Money(amount=total, currency=currency)))
    except ValueError:  # a currency that Stripe cannot charge
        return str(total)
