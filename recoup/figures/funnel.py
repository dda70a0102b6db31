"""From the failure to the payment through the customer's hands: how many cases came how far, as far as the ledger knows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from recoup.figures.debts import Debt, End
from recoup.figures.selection import Selection
from recoup.ledger.figures_rows import FigureContact
from recoup.rules.base import Frozen


class FunnelStep(Frozen):
    """So many cases came here; each step counts among those of the one before that is known."""

    step: str
    cases: int | None
    """Nothing where nobody can know."""
    says: str


class Funnel(Frozen):
    """The debts that failed in the selection's time."""

    steps: tuple[FunnelStep, ...]
    messages: int
    """Messages that asked for these payments; one that names several invoices counts with each."""
    returned: int
    """So many of them came back."""


def funnel(debts: Sequence[Debt], contacts: Iterable[FigureContact], selection: Selection) -> Funnel:
    """How far the cases came."""
    by_case = {contact.case_id: contact for contact in contacts}
    counted = [
        debt for debt in debts if selection.holds(debt.case.failed_at) and debt.end is not End.LEFT_OUT
    ]
    mine = [(debt, by_case[debt.case.id]) for debt in counted if debt.case.id in by_case]
    told = [(debt, contact) for debt, contact in mine if contact.messages]
    opened = [(debt, contact) for debt, contact in told if contact.opened_at]
    updated = [(debt, contact) for debt, contact in opened if contact.updated_at]
    paid = [debt for debt, _ in updated if debt.is_recovered]
    return Funnel(
        steps=(
            FunnelStep(step="failed", cases=len(counted), says="payments that failed"),
            FunnelStep(step="sent", cases=len(told), says="a message that asks for the payment went out"),
            FunnelStep(
                step="delivered", cases=None, says="unknown: senders tell what came back, not what was read"
            ),
            FunnelStep(step="mail_opened", cases=None, says="unknown: Recoup's mails hold no tracking pixel"),
            FunnelStep(
                step="clicked",
                cases=len(opened),
                says="the page behind the update link was shown; mail scanners open links too",
            ),
            FunnelStep(step="updated", cases=len(updated), says="the customer acted on that page"),
            FunnelStep(step="paid", cases=len(paid), says="and the case recovered"),
        ),
        messages=sum(contact.messages for _, contact in mine),
        returned=sum(contact.returned for _, contact in mine),
    )
