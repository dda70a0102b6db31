"""Late cancellation: a paused subscription is cancelled at last, unless somebody has come back or it is not ours any more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from stripe import StripeClient
from temporalio import activity

from activities._ending import BEING_PAID, ended_for_us
from activities._failures import stripe_errors
from activities._waits import DEBIT_CHECK
from activities.contracts import Activity
from activities.people_contracts import LateCancel, LateCancelled
from recoup.billing import read_charges, read_invoice
from recoup.billing.invoices import is_being_paid
from recoup.billing.subscriptions import cancel, paused_as
from recoup.clock import Clock
from recoup.ledger import AccessMeans, Ledger
from recoup.rules.case import Access, Outcome

UNDER_WAY = timedelta(days=1)
"""So long is waited for a case of the subscription that is open: its end decides."""


@dataclass
class LateCancels:
    """The activity behind :mod:`workflows.late_cancel`."""

    client: StripeClient
    ledger: Ledger
    clock: Clock

    @activity.defn(name=Activity.CANCEL_AT_LAST.value, no_thread_cancel_exception=True)
    def cancel_at_last(self, order: LateCancel) -> LateCancelled:
        """Cancel the subscription if all is still as the suspension left it."""
        now = self.clock.now()
        if now < order.due_at:
            return _later(now, order.due_at, "it is not due yet")
        if because := self._not_ours(order):
            return LateCancelled(at=now, done=False, because=because)
        with stripe_errors(f"read the subscription {order.subscription}"):
            how = paused_as(self.client, order.subscription)
        if how is None:
            return self._is_cancelled(order) or LateCancelled(
                at=now, done=False, because="the subscription is not paused any more"
            )
        if because := self._debt_ended(order):
            self._note(order, how)
            return LateCancelled(at=now, done=False, because=because)
        if held := self._held(order, now):
            self._note(order, how)
            return held
        # Noted first, so that a return that begins from now on knows of it, and the webhook of the end is known as our own.
        self._note(order, AccessMeans.CANCELLED)
        if held := self._held(order, now):
            self._note(order, how)
            return held
        with stripe_errors(f"cancel the subscription {order.subscription}"):
            cancel(self.client, order.subscription, key=f"recoup/{order.case_id}/cancel-at-last")
        return self._done(order)

    def _is_cancelled(self, order: LateCancel) -> LateCancelled | None:
        """Whether an earlier try of this very act has cancelled it."""
        held = self.ledger.access.get(order.subscription)
        return self._done(order) if held is not None and held.how is AccessMeans.CANCELLED else None

    def _done(self, order: LateCancel) -> LateCancelled:
        self.ledger.events.append(
            "cancelled_at_last",
            self.clock.now(),
            case_id=order.case_id,
            invoice=order.invoice,
            customer=order.customer,
            data={"subscription": order.subscription, "because": order.because},
            unique=f"cancelled_at_last/{order.case_id}",
        )
        return LateCancelled(at=self.clock.now(), done=True, because=order.because)

    def _not_ours(self, order: LateCancel) -> str | None:
        """Why this suspension does not stand any more."""
        held = self.ledger.access.get(order.subscription)
        if held is None or held.state is not Access.SUSPENDED:
            return "the access was restored"
        if held.case_id != order.case_id:
            return f"the later suspension by {held.case_id} decides"
        return None

    def _debt_ended(self, order: LateCancel) -> str | None:
        """How the debt ended; what was only written off was not paid."""
        with stripe_errors(f"read the invoice {order.invoice}"):
            ended = ended_for_us(self.ledger, read_invoice(self.client, order.invoice))
        return None if ended is None or ended[0] is Outcome.CLOSED_UNCOLLECTIBLE else ended[1]

    def _held(self, order: LateCancel, now: datetime) -> LateCancelled | None:
        """What has to come to its end first: a return, another case of the subscription, a payment on its way."""
        if others := self.ledger.cases.open_of_subscription(order.subscription):
            return _later(now, now + UNDER_WAY, f"the case {others[0].id} is open")
        with stripe_errors(f"read the payments of the invoice {order.invoice}"):
            being_paid = is_being_paid(read_charges(self.client, order.invoice))
        return _later(now, now + DEBIT_CHECK, BEING_PAID) if being_paid else None

    def _note(self, order: LateCancel, how: AccessMeans) -> None:
        now = self.clock.now()
        suspended = Access.SUSPENDED
        self.ledger.access.note(order.subscription, order.customer, suspended, how, order.case_id, now)


def _later(now: datetime, again: datetime, because: str) -> LateCancelled:
    return LateCancelled(at=now, done=False, because=because, look_again_at=again)
