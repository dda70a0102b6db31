"""An invoice that two paid at once: the customer on Stripe's page, and an attempt of ours at the same moment.

Stripe usually locks an invoice while it is being paid, and nobody can rule out what it does not. What happened is flagged in
the ledger; our own payment is given back unless the policy says that a person should look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import stripe
from stripe import StripeClient

from recoup.billing import ChargeState, InvoiceState
from recoup.clock import Clock
from recoup.ledger import AttemptRow, Ledger
from recoup.rules.policy import RacedPayments

EVENT = "double_payment"

GONE_BACK = frozenset({"charge_already_refunded", "charge_disputed", "refund_disputed_payment"})
"""Why Stripe refuses a refund that is not needed: the customer has, or by the dispute gets, the money already."""


@dataclass(frozen=True)
class DoublePayments:
    """Notices and mends double payments. Every step may be repeated: the refund and the event have keys of their own."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    policy: RacedPayments

    def look(
        self, row: AttemptRow, ours: str | None, charges: Sequence[ChargeState], state: InvoiceState
    ) -> None:
        """Before our attempt is settled as paid: has somebody else paid what it paid, here or outside Stripe?

        ``ours`` is the charge of the attempt; ``charges`` are all of the invoice. Several payments that come to no more than
        what is due paid a part each, and what somebody has given back already pays nothing.
        """
        paid = {charge.id: charge for charge in charges if charge.status == "succeeded"}
        mine = paid.pop(ours or "", None)
        if mine is None or not (paid or state.off_stripe):
            return
        amount, others = mine.amount or 0, sum((each.amount or 0) - each.refunded for each in paid.values())
        due = others + state.off_stripe if state.due is None else state.due
        over = min(others + state.off_stripe + amount - due, amount)
        if over <= 0:
            return
        refunds = self.policy is RacedPayments.REFUND
        if refunds and over > mine.refunded:
            self._refund(row, mine.id, over - mine.refunded)
        because = "the invoice was paid by the customer and by an attempt of ours at the same moment"
        self.ledger.events.append(
            EVENT,
            self.clock.now(),
            case_id=row.case_id,
            invoice=row.invoice,
            customer=row.customer,
            data={
                "because": because,
                "charges": [mine.id, *paid],
                "ours": mine.id,
                "refunded": refunds,
                "over": over,
            },
            unique=f"{EVENT}/{row.key}",
        )

    def _refund(self, row: AttemptRow, charge: str, amount: int) -> None:
        key = f"{row.key}/refund"
        try:
            self.client.v1.refunds.create(
                {"charge": charge, "amount": amount, "reason": "duplicate"}, {"idempotency_key": key}
            )
        except stripe.IdempotencyError:
            # It was asked for before, when more or less than now had come in; once is enough.
            return
        except stripe.InvalidRequestError as error:
            # A repetition after the key was forgotten, a person was quicker, or a dispute has taken it back already.
            if error.code not in GONE_BACK:
                raise
