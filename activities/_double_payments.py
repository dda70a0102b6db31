"""An invoice that two paid at once: the customer on Stripe's page, and an attempt of ours at the same moment.

Stripe usually locks an invoice while it is being paid, and nobody can rule out what it does not. What happened is flagged in
the ledger; our own payment is given back unless the policy says that a person should look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import stripe
from stripe import StripeClient

from recoup.billing import ChargeState
from recoup.clock import Clock
from recoup.ledger import AttemptRow, Ledger
from recoup.rules.policy import RacedPayments

EVENT = "double_payment"


@dataclass(frozen=True)
class DoublePayments:
    """Notices and mends double payments. Every step may be repeated: the refund and the event have keys of their own."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    policy: RacedPayments

    def look(
        self, row: AttemptRow, ours: str | None, charges: Sequence[ChargeState], due: int | None
    ) -> None:
        """Before our attempt is settled as paid: has somebody else paid what it paid?

        ``ours`` is the charge of the attempt; ``charges`` are all of the invoice; ``due`` is all that it asks for, in minor
        units. Several payments that come to no more than that paid a part each.
        """
        paid = {charge.id: charge.amount or 0 for charge in charges if charge.status == "succeeded"}
        if ours is None or ours not in paid or len(paid) < 2:
            return
        over = paid[ours] if due is None else min(sum(paid.values()) - due, paid[ours])
        if over <= 0:
            return
        refunds = self.policy is RacedPayments.REFUND
        if refunds:
            self._refund(row, ours, over)
        because = "the invoice was paid by the customer and by an attempt of ours at the same moment"
        self.ledger.events.append(
            EVENT,
            self.clock.now(),
            case_id=row.case_id,
            invoice=row.invoice,
            customer=row.customer,
            data={"because": because, "charges": [*paid], "ours": ours, "refunded": refunds, "over": over},
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
            # A repetition after the key was forgotten, or a person was quicker.
            if error.code != "charge_already_refunded":
                raise
