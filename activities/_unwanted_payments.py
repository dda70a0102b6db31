"""A payment of ours that came through although the customer had just cancelled or disputed.

The invoice and its subscription are read just before every charge; what happens between that read and the charge nobody can
forbid. It is flagged in the ledger, and the payment is given back unless the policy says that a person should look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import stripe
from stripe import StripeClient

from activities._double_payments import GONE_BACK
from activities.complaints import has_complained
from activities.customer_words import cancelled_at
from recoup.billing import ChargeState, InvoiceState
from recoup.clock import Clock
from recoup.ledger import AccessMeans, AttemptRow, Ledger
from recoup.rules.case import AttemptState, Outcome
from recoup.rules.policy import RacedPayments

EVENT = "unwanted_payment"


@dataclass(frozen=True)
class UnwantedPayments:
    """Notices and mends them. Every step may be repeated: the refund and the event have keys of their own."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    policy: RacedPayments

    def look(
        self, row: AttemptRow, ours: str | None, charges: Sequence[ChargeState], state: InvoiceState
    ) -> None:
        """Before our attempt is settled as paid: did the customer still want the subscription when ``ours`` charged it?"""
        charge = next((each for each in charges if each.id == ours), None)
        if charge is None:
            return
        outcome = self._why_not(row, state, charge.at)
        if outcome is None:
            return
        refunds = self.policy is RacedPayments.REFUND
        if refunds:
            self._refund(row, charge.id)
        what = "disputed a payment" if outcome is Outcome.CLOSED_DISPUTED else "cancelled"
        because = f"the customer {what} while an attempt of ours was under way, and it was paid"
        self.ledger.events.append(
            EVENT,
            self.clock.now(),
            case_id=row.case_id,
            invoice=row.invoice,
            customer=row.customer,
            data={"because": because, "ours": charge.id, "refunded": refunds, "outcome": outcome.value},
            unique=_key(row),
        )

    def _why_not(self, row: AttemptRow, state: InvoiceState, charged_at: datetime) -> Outcome | None:
        if has_complained(self.ledger, row.invoice, row.customer):
            # None was known of when the attempt was sent.
            return Outcome.CLOSED_DISPUTED
        said = cancelled_at(self.ledger, row.invoice, row.customer)
        # Stripe tells the second of a charge; in the very second of the word the customer's wish counts.
        if said is not None and said.replace(microsecond=0) <= charged_at:
            return Outcome.LOST_CANCELLED_BY_CUSTOMER
        held = self.ledger.access.get(state.subscription) if state.subscription else None
        if held is not None and held.how is AccessMeans.CANCELLED:
            return None
        ended = state.subscription_ended_at
        cancelled = state.subscription_status in ("canceled", "incomplete_expired")
        return Outcome.LOST_CANCELLED if cancelled and ended and ended <= charged_at else None

    def _refund(self, row: AttemptRow, charge: str) -> None:
        try:
            self.client.v1.refunds.create(
                {"charge": charge, "reason": "requested_by_customer"},
                {"idempotency_key": f"{row.key}/refund/unwanted"},
            )
        except stripe.InvalidRequestError as error:
            # A repetition after the key was forgotten, a person was quicker, or the dispute has taken it back already.
            if error.code not in GONE_BACK:
                raise


def given_back(ledger: Ledger, row: AttemptRow) -> tuple[Outcome, str] | None:
    """How the case ends whose payment was given back, and why; ``None`` where it was kept."""
    if row.state is not AttemptState.PAID:
        return None
    found = ledger.events.named(_key(row))
    if found is None or not found.data["refunded"]:
        return None
    return Outcome(found.data["outcome"]), f"{found.data['because']}; it was given back"


def _key(row: AttemptRow) -> str:
    return f"{EVENT}/{row.key}"
