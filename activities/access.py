"""Access: telling the company's own backend to suspend and restore, and doing the same to the subscription at Stripe."""

from __future__ import annotations

from dataclasses import dataclass

from stripe import StripeClient
from temporalio import activity

from activities._ending import BEING_PAID, ended_for_us
from activities._failures import stripe_errors
from activities._waits import DEBIT_CHECK
from activities.contracts import AccessOrder, AccessReport, Activity
from activities.records import write_decision
from recoup.access import AccessChange, Backend
from recoup.billing import read_charges, read_invoice
from recoup.billing.invoices import is_being_paid
from recoup.billing.subscriptions import cancel, open_invoices_of, pause, resume
from recoup.clock import Clock
from recoup.ledger import AccessMeans, Ledger
from recoup.rules.case import Access as State
from recoup.rules.policy import Ending


@dataclass
class Access:
    """The activities that give and take access."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    backend: Backend

    @activity.defn(name=Activity.RESTRICT.value, no_thread_cancel_exception=True)
    def restrict(self, order: AccessOrder) -> AccessReport:
        """Have the company's backend restrict the access, unless a last look shows that there is no reason any more."""
        write_decision(self.ledger, order)
        if no := self._no_reason(order):
            return no
        held = self.ledger.access.get(order.subscription) if order.subscription else None
        if order.subscription is not None and (held is None or held.state is State.FULL):
            self._note(order, order.subscription, AccessMeans.NONE, State.RESTRICTED)
        self._tell(order, "access.restricted", order.decision.step.because)
        return AccessReport(at=self.clock.now(), done=True, because=order.decision.step.because)

    @activity.defn(name=Activity.SUSPEND.value, no_thread_cancel_exception=True)
    def suspend(self, order: AccessOrder) -> AccessReport:
        """Suspend the subscription, unless a last look shows that there is no reason any more."""
        write_decision(self.ledger, order)
        if no := self._no_reason(order):
            return no
        how = self._end_subscription(order)
        self._tell(order, "access.suspended", order.decision.step.because)
        return AccessReport(at=self.clock.now(), done=True, because=how)

    @activity.defn(name=Activity.RESTORE.value, no_thread_cancel_exception=True)
    def restore(self, order: AccessOrder) -> AccessReport:
        """Restore the subscription, unless something else of it is still owed."""
        write_decision(self.ledger, order)
        if owed := self._still_owed(order):
            return AccessReport(
                at=self.clock.now(), done=False, because=f"{owed} of the subscription is still open"
            )
        if order.subscription is not None and not self._give_back(order, order.subscription):
            because = "another case of the subscription has restored it"
            return AccessReport(at=self.clock.now(), done=True, because=because)
        self._tell(order, "access.restored", order.decision.step.because)
        return AccessReport(at=self.clock.now(), done=True, because=order.decision.step.because)

    def _give_back(self, order: AccessOrder, subscription: str) -> bool:
        """Resume it at Stripe; whether this case is the one that restored it, and so the one that says so."""
        held = self.ledger.access.get(subscription)
        if held is None:
            return True
        if held.state is State.SUSPENDED:
            # One key for a suspension, whoever ends it: of two cases that do so at once the second is answered the same.
            key = f"recoup/{held.case_id or order.case_id}/resume"
            with stripe_errors(f"resume the subscription {subscription}"):
                resume(self.client, subscription, held.how, key=key)
        if held.state is not State.FULL:
            held = self.ledger.access.restore(subscription, order.case_id, self.clock.now())
        return held.case_id == order.case_id

    def _no_reason(self, order: AccessOrder) -> AccessReport | None:
        """The last look before access is withheld: the debt may have ended, or a payment be on its way."""
        with stripe_errors(f"read the invoice {order.invoice}"):
            state = read_invoice(self.client, order.invoice)
            charges = read_charges(self.client, order.invoice)
        now = self.clock.now()
        if ended := ended_for_us(self.ledger, state):
            return AccessReport(at=now, done=False, because=ended[1], ended=ended[0])
        if is_being_paid(charges):
            return AccessReport(at=now, done=False, because=BEING_PAID, look_again_at=now + DEBIT_CHECK)
        return None

    def _end_subscription(self, order: AccessOrder) -> str:
        """Do to the subscription what the policy says; noted first, so that its webhooks are known as our own."""
        subscription = order.subscription
        if subscription is None or order.ending is Ending.KEEP:
            if subscription is not None:
                self._note(order, subscription, AccessMeans.NONE)
            return "the subscription stays as it is at Stripe"
        with stripe_errors(f"suspend the subscription {subscription}"):
            if order.ending is Ending.CANCEL:
                self._note(order, subscription, AccessMeans.CANCELLED)
                cancel(self.client, subscription, key=f"recoup/{order.case_id}/cancel")
                return "the subscription is cancelled"
            self._note(order, subscription, AccessMeans.PAUSED)
            how = pause(self.client, subscription, key=f"recoup/{order.case_id}/pause")
            self._note(order, subscription, how)
        return (
            "the subscription is paused"
            if how is AccessMeans.PAUSED
            else "the subscription's collection is paused"
        )

    def _note(
        self, order: AccessOrder, subscription: str, how: AccessMeans, state: State = State.SUSPENDED
    ) -> None:
        self.ledger.access.note(subscription, order.customer, state, how, order.case_id, self.clock.now())

    def _still_owed(self, order: AccessOrder) -> str | None:
        """Another open invoice of the subscription, if there is one: its case decides about the access then."""
        if order.subscription is None:
            return None
        with stripe_errors(f"list the open invoices of the subscription {order.subscription}"):
            return next(
                (id_ for id_ in open_invoices_of(self.client, order.subscription) if id_ != order.invoice),
                None,
            )

    def _tell(self, order: AccessOrder, kind: str, because: str) -> None:
        change = AccessChange(
            type=kind,
            customer=order.customer,
            subscription=order.subscription,
            invoice=order.invoice,
            case=order.case_id,
            because=because,
        )
        self.backend.tell(change, id_=f"{kind}/{order.case_id}", at=self.clock.now())
        self.ledger.events.append(
            kind,
            self.clock.now(),
            case_id=order.case_id,
            invoice=order.invoice,
            customer=order.customer,
            data={"because": because},
            unique=f"{kind}/{order.case_id}",
        )
