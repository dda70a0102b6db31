"""Events about charges: refusals to be counted, disputes and warnings to be heeded."""

from __future__ import annotations

from datetime import UTC, datetime

from recoup.ledger import ObservedCharge
from recoup.rules.declines import Decline
from recoup.web.webhooks.commands import Command, Observe, TellDisputed
from recoup.web.webhooks.shapes import Charge, Complaint, Event


def charge_failed(event: Event) -> list[Command]:
    """Counted for the card, whoever made it: Recoup, Stripe's own retries or the customer on the hosted page."""
    charge = Charge.model_validate(event.data.object)
    details = charge.payment_method_details
    card = details.card if details else None
    return [
        Observe(
            ObservedCharge(
                charge=charge.id,
                customer=charge.customer,
                fingerprint=(card.fingerprint or charge.payment_method) if card else None,
                brand=_network(charge),
                amount=charge.amount,
                currency=charge.currency,
                failed=True,
                decline=_decline(charge),
                made_at=datetime.fromtimestamp(charge.created, UTC),
            )
        )
    ]


def _decline(charge: Charge) -> Decline:
    """The decline as the charge keeps it; ``outcome.reason`` is the decline code where the bank refused."""
    outcome, details = charge.outcome, charge.payment_method_details
    code = (outcome.reason if outcome else None) or charge.failure_code or "generic_decline"
    return Decline(
        code=code,
        advice_code=outcome.advice_code if outcome else None,
        network_decline_code=outcome.network_decline_code if outcome else None,
        network_advice_code=outcome.network_advice_code if outcome else None,
        kind=outcome.type if outcome else None,
        brand=_network(charge),
        method_type=details.type if details else "card",
    )


def _network(charge: Charge) -> str | None:
    """The network that answered: a co-badged card is not always charged over the one printed first."""
    details = charge.payment_method_details
    return (details.card.network or details.card.brand) if details and details.card else None


def complaint(event: Event) -> list[Command]:
    """A dispute or an early fraud warning: whoever complains of a charge is not charged again."""
    told = Complaint.model_validate(event.data.object)
    return [TellDisputed(charge=told.charge, payment_intent=told.payment_intent, kind=event.type)]
