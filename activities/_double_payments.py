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
        because = "the invoice was paid by the customer and by an attempt of ours at the same moment"
        self._mend(row, mine, over, because, [mine.id, *paid], f"{row.key}/refund")

    def paid_outside(self, row: AttemptRow, charges: Sequence[ChargeState]) -> tuple[bool, str]:
        """An operator says that the invoice was paid outside, and our attempt was paid too: all of ours is too much.

        Whether it was given back, and what is to be said about it.
        """
        because = "the invoice was paid outside and by an attempt of ours that was under way"
        mine = next((charge for charge in charges if charge.id == row.charge), None)
        if mine is None:
            return False, f"{because}, whose charge cannot be found; a person must look"
        back = self._mend(row, mine, mine.amount or 0, because, [mine.id], f"{row.key}/refund/outside")
        return back, f"{because}; ours was given back" if back else f"{because}; a person decides"

    def _mend(
        self, row: AttemptRow, mine: ChargeState, over: int, because: str, charges: list[str], key: str
    ) -> bool:
        refunds = self.policy is RacedPayments.REFUND
        if refunds and over > mine.refunded:
            self._refund(mine.id, over - mine.refunded, key)
        self.ledger.events.append(
            EVENT,
            self.clock.now(),
            case_id=row.case_id,
            invoice=row.invoice,
            customer=row.customer,
            data={
                "because": because,
                "charges": charges,
                "ours": mine.id,
                "refunded": refunds,
                "over": over,
            },
            unique=f"{EVENT}/{row.key}",
        )
        return refunds

    def _refund(self, charge: str, amount: int, key: str) -> None:
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
