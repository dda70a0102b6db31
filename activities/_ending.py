"""Whether a debt has ended, as far as the outside and our own doing tell."""

from __future__ import annotations

from recoup.billing import InvoiceState, ended_as
from recoup.ledger import AccessMeans, Ledger
from recoup.rules.case import Outcome

BEING_PAID = "a payment of the customer's is on its way"


def ended_for_us(ledger: Ledger, state: InvoiceState) -> tuple[Outcome, str] | None:
    """As :func:`recoup.billing.ended_as`; but a subscription that our own suspension cancelled leaves its debt payable.

    The way back stays open after every suspension, and a repetition of our own act must not read as the customer's.
    """
    held = ledger.access.get(state.subscription) if state.subscription else None
    if held is not None and held.how is AccessMeans.CANCELLED:
        return ended_as(state.model_copy(update={"subscription_status": None}))
    return ended_as(state)
