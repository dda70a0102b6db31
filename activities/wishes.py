"""Wishes of customers, carried out: promises written down, cases stopped, subscriptions cancelled, paused or made smaller."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import stripe
from stripe import StripeClient
from temporalio import activity

from activities._failures import sentence, stripe_errors
from activities._unwanted_payments import UnwantedPayments
from activities.contracts import Happened
from activities.customer_words import (
    CUSTOMER_CANCELLED,
    CUSTOMER_PROMISED,
    WISH_FULFILLED,
    WISH_REFUSED,
)
from activities.note_contracts import Noted
from activities.wish_contracts import (
    CANCELLED,
    CUSTOMER,
    NotePromise,
    Stopped,
    Wish,
    WishActivity,
    WishKind,
    WishResult,
)
from recoup.billing import read_charges, read_invoice
from recoup.billing.plans import Refused, end_by_customer, pause_for, switch
from recoup.clock import Clock
from recoup.ledger import CaseRow, Ledger
from recoup.rules.case import AttemptState
from recoup.rules.policy import RacedPayments
from recoup.temporal.gateway import CaseGateway

STOP_SIGNAL = "cancelled_by_customer"


@dataclass
class Wishes:
    """The activities behind what customers ask for on their page."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    gateway: CaseGateway
    raced: RacedPayments

    @activity.defn(name=WishActivity.NOTE_PROMISE.value, no_thread_cancel_exception=True)
    def note_promise(self, order: NotePromise) -> Noted:
        """Write down who promised to pay, and by when; once for each case."""
        promise = order.promise
        self.ledger.events.append(
            CUSTOMER_PROMISED,
            promise.at,
            case_id=order.case_id,
            invoice=order.invoice,
            customer=order.customer,
            actor=promise.operator if promise.operator == CUSTOMER else f"operator/{promise.operator}",
            data={"until": promise.until.isoformat(), "because": promise.reason},
            unique=f"{CUSTOMER_PROMISED}/{order.case_id}",
        )
        return Noted(at=self.clock.now())

    @activity.defn(name=WishActivity.STOP_CASES.value)
    async def stop_cases(self, wish: Wish) -> Stopped:
        """Write the cancellation down, then tell each open case; what was charged after it is given back as the policy says."""
        cases = await asyncio.to_thread(self._cancelled, wish)
        for case in cases:
            await self.gateway.tell(case.id, STOP_SIGNAL, Happened(at=wish.at))
        return Stopped(at=self.clock.now(), cases=tuple(case.id for case in cases))

    @activity.defn(name=WishActivity.FULFIL.value, no_thread_cancel_exception=True)
    def fulfil(self, wish: Wish) -> WishResult:
        """Have Stripe do it, if it still can be done; a repetition finds it done."""
        key = f"recoup/{_name(wish)}"
        try:
            with stripe_errors(f"{wish.kind} the subscription {wish.subscription}"):
                because = self._do(wish, key)
        except Refused as refused:
            return self._result(wish, done=False, because=str(refused))
        return self._result(wish, done=True, because=because)

    def _do(self, wish: Wish, key: str) -> str:
        try:
            if wish.kind is WishKind.CANCEL:
                return end_by_customer(self.client, wish.subscription, wish.cancel, key=key)
            if wish.kind is WishKind.PAUSE and wish.until is not None:
                return pause_for(self.client, wish.subscription, wish.until, key=key)
            return switch(self.client, wish.subscription, wish.price or "", wish.smaller_price or "", key=key)
        except stripe.InvalidRequestError as error:
            raise Refused(sentence(f"{wish.kind} the subscription", error)) from error

    def _result(self, wish: Wish, *, done: bool, because: str) -> WishResult:
        now = self.clock.now()
        self.ledger.events.append(
            WISH_FULFILLED if done else WISH_REFUSED,
            now,
            customer=wish.customer,
            actor=CUSTOMER,
            data={"kind": wish.kind, "subscription": wish.subscription, "because": because},
            unique=_name(wish),
        )
        return WishResult(at=now, done=done, because=because)

    def _cancelled(self, wish: Wish) -> list[CaseRow]:
        """The subscription's open cases, each of them and of the suspended ones with the customer's word in the ledger."""
        open_ = self.ledger.cases.open_of_subscription(wish.subscription)
        gone = self.ledger.cases.suspended_of_customer(wish.customer)
        for case in (*open_, *(case for case in gone if case.subscription == wish.subscription)):
            self.ledger.events.append(
                CUSTOMER_CANCELLED,
                wish.at,
                case_id=case.id,
                invoice=case.invoice,
                customer=case.customer,
                actor=CUSTOMER,
                data={"because": CANCELLED, "subscription": wish.subscription, "when": wish.cancel},
                unique=f"{CUSTOMER_CANCELLED}/{case.id}",
            )
        for case in open_:
            self._give_back(case)
        return open_

    def _give_back(self, case: CaseRow) -> None:
        """An attempt that was paid in the moment of the cancellation was looked at before the word stood in the ledger."""
        latest = self.ledger.attempts.latest(case.invoice)
        if latest is None or latest.state is not AttemptState.PAID:
            return
        with stripe_errors(f"read the payments of the invoice {case.invoice}"):
            state, charges = read_invoice(self.client, case.invoice), read_charges(self.client, case.invoice)
            unwanted = UnwantedPayments(self.client, self.ledger, self.clock, self.raced)
            unwanted.look(latest, latest.charge, charges, state)


def _name(wish: Wish) -> str:
    """One for each time that it is wished: who takes a wish back and has it again days later has another one."""
    return f"wish/{wish.kind}/{wish.subscription}/{activity.info().workflow_run_id}"
