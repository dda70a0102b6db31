"""Whether a debt has ended, as far as the outside and our own doing tell."""

from __future__ import annotations

from activities.complaints import has_complained
from activities.customer_words import cancelled_at
from activities.stripe_tries import collected_by_stripe
from activities.wish_contracts import CANCELLED
from recoup.billing import InvoiceState, ended_as
from recoup.ledger import AccessMeans, Ledger
from recoup.rules.case import Outcome

BY_STRIPE = "a retry that Stripe made by itself collected the invoice"
BEING_PAID = "a payment of the customer's is on its way"


def ended_for_us(ledger: Ledger, state: InvoiceState) -> tuple[Outcome, str] | None:
    """As :func:`recoup.billing.ended_as`; but a subscription that our own suspension cancelled leaves its debt payable.

    The way back stays open after every suspension, and a repetition of our own act must not read as the customer's. What a
    retry of Stripe's own has collected is told apart from the customer's payment. A complaint ends a debt too, also one that
    was told before the case could hear of it, and so does the customer's word that they cancel, whatever Stripe has heard of it.
    """
    held = ledger.access.get(state.subscription) if state.subscription else None
    if held is not None and held.how is AccessMeans.CANCELLED:
        state = state.model_copy(update={"subscription_status": None})
    ended = ended_as(state)
    if (ended is None or ended[0] is Outcome.LOST_CANCELLED) and cancelled_at(
        ledger, state.id, state.customer
    ):
        return Outcome.LOST_CANCELLED_BY_CUSTOMER, CANCELLED
    if ended is None and has_complained(ledger, state.id, state.customer):
        return Outcome.CLOSED_DISPUTED, "the customer disputed a payment"
    if ended is None or ended[0] is not Outcome.RECOVERED_BY_CUSTOMER:
        return ended
    if collected_by_stripe(ledger, state.id, state.customer, state.attempt_count):
        return Outcome.RECOVERED_BY_STRIPE, BY_STRIPE
    return ended
