"""From the failure to the payment through the customer's hands: how many cases came how far, as far as the ledger knows."""

from __future__ import annotations

from recoup.figures.debts import End
from recoup.figures.facts import Facts
from recoup.figures.selection import Selection
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


def funnel(facts: Facts, selection: Selection) -> Funnel:
    """How far the cases came."""
    counted = facts.failed_in(selection) & ~facts.ended(End.LEFT_OUT)
    debts = facts.debts
    told = counted & (debts["messages"] > 0)
    opened = told & debts["opened"]
    updated = opened & debts["updated"]
    paid = updated & facts.recovered
    return Funnel(
        steps=(
            FunnelStep(step="failed", cases=int(counted.sum()), says="payments that failed"),
            FunnelStep(
                step="sent", cases=int(told.sum()), says="a message that asks for the payment went out"
            ),
            FunnelStep(
                step="delivered", cases=None, says="unknown: senders tell what came back, not what was read"
            ),
            FunnelStep(step="mail_opened", cases=None, says="unknown: Recoup's mails hold no tracking pixel"),
            FunnelStep(
                step="clicked",
                cases=int(opened.sum()),
                says="the page behind the update link was shown; mail scanners open links too",
            ),
            FunnelStep(step="updated", cases=int(updated.sum()), says="the customer acted on that page"),
            FunnelStep(step="paid", cases=int(paid.sum()), says="and the case recovered"),
        ),
        messages=int(debts["messages"][counted].sum()),
        returned=int(debts["came_back"][counted].sum()),
    )
