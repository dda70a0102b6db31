"""Payments: what Recoup asks Stripe about a failed invoice, and what it has Stripe do about it."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

import stripe
from stripe import StripeClient
from temporalio import activity

from activities._collecting import Collector
from activities._double_payments import DoublePayments
from activities._ending import ended_for_us
from activities._failures import stripe_errors
from activities._restoring import restored
from activities._segments import Chosen, chosen, keep_choice
from activities._unwanted_payments import given_back
from activities.contracts import (
    Activity,
    Adopted,
    AttemptOrder,
    AttemptReport,
    CardUpdated,
    CustomerCase,
    CustomerCases,
    CustomerQuestion,
    Looked,
    PlainOrder,
    SettleOrder,
    TakenUp,
    TakeUp,
)
from activities.planning import planned_attempt
from activities.records import report_unknown, write_decision
from activities.stripe_tries import retries_of, tries_of_stripe
from recoup.billing import InvoicePayments, InvoiceState, ended_as, read_invoice, read_payments
from recoup.billing.admission import refusal
from recoup.billing.invoices import failed_renewals_of, invoice_state, read_invoice_object
from recoup.billing.methods import adopt, is_in_use, is_old_news, read_method
from recoup.clock import Clock
from recoup.learning.facts import keep_failure
from recoup.ledger import Ledger, NewCase
from recoup.policy.file import LoadedPolicy
from recoup.rules import fold
from recoup.rules.case import OUTCOME_OF_TRIGGER, Access, AttemptState, Case, Outcome, Stage, Trigger
from recoup.rules.declines import read
from recoup.rules.holding import SPACING_HOURS
from recoup.rules.policy import RetryMode
from recoup.temporal.ids import case_id

if TYPE_CHECKING:
    from recoup.learning.models import Models

LATEST_START = timedelta(days=1)
"""A failure older than this when its case begins counts from now: the customer gets the whole campaign, from its beginning."""


@dataclass
class Payments:
    """The activities that speak with Stripe about money."""

    client: StripeClient
    ledger: Ledger
    clock: Clock
    policy: LoadedPolicy
    models: Models | None = None
    """Learned models, for the campaigns that ask for one; without a directory the prior plans."""

    @activity.defn(name=Activity.TAKE_UP.value, no_thread_cancel_exception=True)
    def take_up(self, order: TakeUp) -> TakenUp:
        """Look at a failed invoice, register its case, and take it over from Stripe's own retries."""
        with stripe_errors(f"read the invoice {order.invoice}"):
            data = read_invoice_object(self.client, order.invoice)
            payments = read_payments(self.client, order.invoice)
        state = invoice_state(data)
        if because := refusal(state) or self._came_back_before(order, state.customer):
            return self._refuse(order, because)
        decline = payments.decline(state.method)
        report_unknown(self.ledger, decline, self.clock.now(), order.invoice)
        said = chosen(self.policy, data, decline, self.clock.now())
        case = self._new_case(order, state, payments, said)
        is_paid = order.return_number > 1 and order.method is None
        row = self._row(order, case, state)
        admission = self.ledger.cases.open(row, self.clock.now(), is_paid=is_paid)
        if not admission.admitted or admission.case is None:
            return self._refuse(order, admission.because)
        keep_choice(self.ledger, case, said, self.policy.version, self.clock.now())
        keep_failure(self.ledger, case, state.method, payments.charges, self.clock.now())
        case = restored(case, admission.case, self.ledger)
        if ended := self._ended_as(state):
            return TakenUp(at=self.clock.now(), case=case, outcome=ended[0], because=ended[1])
        state = self._take_over(case, state)
        tries = tries_of_stripe(self.ledger, case.campaign.retries, state, payments.charges)
        case = _with_new_method(fold.stripe_seen(case, tries), state, payments.tried_with)
        return TakenUp(at=self.clock.now(), case=case, because=admission.because)

    @activity.defn(name=Activity.ATTEMPT.value, no_thread_cancel_exception=True)
    def attempt(self, order: AttemptOrder) -> AttemptReport:
        """Collect the invoice once, exactly once."""
        write_decision(self.ledger, order)
        self.ledger.cases.note(order.case_id, Stage.RETRYING, self.clock.now())
        with stripe_errors(f"collect the invoice {order.invoice}"):
            return self._collector().collect(order)

    @activity.defn(name=Activity.SETTLE.value, no_thread_cancel_exception=True)
    def settle(self, order: SettleOrder) -> AttemptReport:
        """Find out what became of an attempt without a final answer."""
        with stripe_errors(f"settle attempt {order.number} of the invoice {order.invoice}"):
            return self._collector(reading_only=order.only_read).settle(order)

    @activity.defn(name=Activity.LOOK.value, no_thread_cancel_exception=True)
    def look(self, order: PlainOrder) -> Looked:
        """Read the invoice and its latest decline again."""
        with stripe_errors(f"read the invoice {order.invoice}"):
            state = read_invoice(self.client, order.invoice)
            payments = read_payments(self.client, order.invoice)
        ended = ended_for_us(self.ledger, state)
        charges, decline = payments.charges, payments.decline(state.method)
        report_unknown(self.ledger, decline, self.clock.now(), order.invoice)
        return Looked(
            at=self.clock.now(),
            because=ended[1] if ended else "the invoice is still open",
            decline=decline,
            ended=ended[0] if ended else None,
            stripe=tries_of_stripe(self.ledger, retries_of(self.ledger, order.case_id), state, charges),
            planned=planned_attempt(
                self.ledger,
                self.models,
                order,
                state,
                charges,
                self.clock.now(),
                self.policy.policy.network_cap,
            ),
        )

    @activity.defn(name=Activity.MARK_PAID.value, no_thread_cancel_exception=True)
    def mark_paid(self, order: PlainOrder) -> Looked:
        """Tell Stripe that the invoice was paid outside."""
        write_decision(self.ledger, order)
        with stripe_errors(f"mark the invoice {order.invoice} as paid outside"):
            state = read_invoice(self.client, order.invoice)
            if ended := ended_for_us(self.ledger, state):
                return self._paid_by_us_too(order) or Looked(
                    at=self.clock.now(), because=ended[1], ended=ended[0]
                )
            self.client.v1.invoices.pay(
                order.invoice,
                {"paid_out_of_band": True},
                {"idempotency_key": f"recoup/{order.request}/paid-outside"},
            )
        because = "an operator marked the invoice as paid outside Stripe"
        return Looked(at=self.clock.now(), because=because, ended=Outcome.RECOVERED_OUTSIDE)

    @activity.defn(name=Activity.WRITE_OFF.value, no_thread_cancel_exception=True)
    def write_off(self, order: PlainOrder) -> Looked:
        """Tell Stripe that the invoice is not expected to be paid any more."""
        write_decision(self.ledger, order)
        with stripe_errors(f"write the invoice {order.invoice} off"):
            state = read_invoice(self.client, order.invoice)
            if ended := ended_for_us(self.ledger, state):
                return Looked(at=self.clock.now(), because=ended[1], ended=ended[0])
            self.client.v1.invoices.mark_uncollectible(
                order.invoice, {}, {"idempotency_key": f"recoup/{order.request}/write-off"}
            )
        because = order.decision.step.because
        return Looked(at=self.clock.now(), because=because, ended=Outcome.CLOSED_UNCOLLECTIBLE)

    @activity.defn(name=Activity.RELEASE.value, no_thread_cancel_exception=True)
    def release(self, order: PlainOrder) -> Looked:
        """Give the invoice back to Stripe's own retries, if it was taken over from them."""
        write_decision(self.ledger, order)
        taken = self.ledger.invoices.takeover(order.invoice)
        now = self.clock.now()
        if taken is None or not taken.auto_advance_before or taken.released_at is not None:
            return Looked(at=now, because="there was nothing to give back")
        with stripe_errors(f"give the invoice {order.invoice} back to its own retries"):
            state = read_invoice(self.client, order.invoice)
            if state.is_open and (because := self._not_for_stripe(state)):
                return Looked(at=now, because=f"Stripe's own retries stay off: {because}")
            if state.is_open:
                self.client.v1.invoices.update(order.invoice, {"auto_advance": True})
        self.ledger.invoices.note_released(order.invoice, self.clock.now())
        return Looked(at=self.clock.now(), because="Stripe's own retries are on again for the invoice")

    @activity.defn(name=Activity.ADOPT_METHOD.value, no_thread_cancel_exception=True)
    def adopt_method(self, update: CardUpdated) -> Adopted:
        """Make a new method the one that the customer's subscriptions are collected with, if the customer meant it so."""
        with stripe_errors(f"set the payment method of the customer {update.customer}"):
            method = read_method(self.client, update.method)
            if method is None or method.customer != update.customer:
                because = "the method does not belong to the customer any more"
                return Adopted(at=self.clock.now(), adopted=False, version=update.method, because=because)
            if not update.chosen and not is_in_use(self.client, update.customer, update.method):
                because = "the method is not the one the customer pays with"
                return Adopted(at=self.clock.now(), adopted=False, version=method.version, because=because)
            if old := is_old_news(self.client, method, update.happened):
                return Adopted(at=self.clock.now(), adopted=False, version=method.version, because=old)
            changed = adopt(self.client, update.customer, update.method)
        because = (
            f"the method is the default now, on the customer and on {changed} subscriptions of their own"
        )
        return Adopted(at=self.clock.now(), adopted=True, version=method.version, because=because)

    @activity.defn(name=Activity.FAILED_RENEWALS.value, no_thread_cancel_exception=True)
    def failed_renewals(self, question: CustomerQuestion) -> CustomerCases:
        """The customer's open failed invoices that never became a case, newest first."""
        with stripe_errors(f"list the open invoices of the customer {question.customer}"):
            invoices = failed_renewals_of(self.client, question.customer)
        unknown = [invoice for invoice in invoices if not self.ledger.cases.by_invoice(invoice)]
        cases = tuple(CustomerCase(case_id=invoice, invoice=invoice, begins=True) for invoice in unknown)
        return CustomerCases(at=self.clock.now(), cases=cases)

    def _paid_by_us_too(self, order: PlainOrder) -> Looked | None:
        """An attempt of ours was under way when an operator said "paid outside", and it was paid: then ours is too much."""
        latest = self.ledger.attempts.latest(order.invoice)
        if latest is None or latest.state is not AttemptState.PAID or given_back(self.ledger, latest):
            return None
        races = DoublePayments(self.client, self.ledger, self.clock, self.policy.policy.raced_payments)
        back, because = races.paid_outside(latest, read_payments(self.client, order.invoice).charges)
        return Looked(at=self.clock.now(), because=because, ended=Outcome.RECOVERED_OUTSIDE if back else None)

    def _collector(self, *, reading_only: bool = False) -> Collector:
        return Collector(
            client=self.client,
            ledger=self.ledger,
            clock=self.clock,
            cap=self.policy.policy.network_cap,
            raced=self.policy.policy.raced_payments,
            reading_only=reading_only,
        )

    def _ended_as(self, state: InvoiceState) -> tuple[Outcome, str] | None:
        """How the invoice ended; a case that is begun again may find that an attempt of its first run had paid it."""
        latest = self.ledger.attempts.latest(state.id)
        if latest is not None and (back := given_back(self.ledger, latest)):
            return back
        if state.status == "paid" and latest is not None and latest.state is AttemptState.PAID:
            return OUTCOME_OF_TRIGGER[latest.trigger], latest.because or "an earlier attempt collected it"
        return ended_for_us(self.ledger, state)

    def _not_for_stripe(self, state: InvoiceState) -> str | None:
        """Why nobody is to charge this open invoice by itself any more; what our own suspension cancelled is cancelled here too."""
        ended = ended_as(state) or ended_for_us(self.ledger, state)
        return ended[1] if ended else None

    def _came_back_before(self, order: TakeUp, customer: str) -> str | None:
        """One method brings a suspended customer back once, however many events tell of it, and however late."""
        if order.method is None or order.return_number == 1:
            return None
        key = f"came_back/{order.invoice}/{order.method.version}"
        data, at = {"workflow_id": order.workflow_id}, self.clock.now()
        if self.ledger.events.append(
            "came_back", at, invoice=order.invoice, customer=customer, data=data, unique=key
        ):
            return None
        known = self.ledger.events.named(key)
        ours = known is not None and known.data["workflow_id"] == order.workflow_id
        return None if ours else "a return with this payment method was made before"

    def _refuse(self, order: TakeUp, because: str) -> TakenUp:
        self.ledger.events.append(
            "case_refused",
            self.clock.now(),
            invoice=order.invoice,
            data={"because": because},
            unique=f"refused/{order.workflow_id}/{order.run_id}",
        )
        return TakenUp(at=self.clock.now(), case=None, because=because)

    def _new_case(self, order: TakeUp, state: InvoiceState, payments: InvoicePayments, said: Chosen) -> Case:
        now, latest = self.clock.now(), payments.latest
        failed_at = latest.at if latest and now - latest.at < LATEST_START else now
        returns = order.return_number > 1
        case = Case(
            id=case_id(order.invoice, order.return_number),
            invoice=order.invoice,
            customer=state.customer,
            subscription=state.subscription,
            due=state.remaining,
            failed_at=failed_at,
            campaign=said.choice.campaign,
            priority=said.priority.score,
            priority_because=said.priority.because,
            payment_method=payments.tried_with,
            access=Access.SUSPENDED if returns else Access.FULL,
            is_return=returns,
            gather_minutes=self.policy.policy.contact.gather_minutes,
            spacing_hours=SPACING_HOURS,
            skips_overdue=True,
            promise_days=self.policy.policy.customer_page.promise_days,
        )
        decline = payments.decline(state.method) or (None if state.method else fold.NO_METHOD)
        return fold.declined(case, decline, latest.at if latest else now) if decline else case

    def _row(self, order: TakeUp, case: Case, state: InvoiceState) -> NewCase:
        return NewCase(
            id=case.id,
            invoice=case.invoice,
            number=state.number,
            customer=case.customer,
            subscription=case.subscription,
            amount=max(case.due.amount, 1),
            currency=case.due.currency,
            failed_at=case.failed_at,
            campaign=case.campaign.name,
            policy_version=self.policy.version,
            policy=case.campaign.model_dump(mode="json"),
            priority=case.priority or 0,
            rules_version=case.rules_version,
            decline=case.decline,
            decline_class=read(case.decline).decline_class if case.decline else None,
            workflow_id=order.workflow_id,
            run_id=order.run_id,
            is_return=case.is_return,
        )

    def _take_over(self, case: Case, state: InvoiceState) -> InvoiceState:
        """Switch Stripe's own retries off where Recoup makes them; either way read the invoice once more.

        The case is registered by now, so a method that changes after this read is told to it by a signal.
        """
        with stripe_errors(f"switch its own retries off for the invoice {case.invoice}"):
            if case.campaign.retries.mode is not RetryMode.OWN or not state.auto_advance:
                return read_invoice(self.client, case.invoice)
            self.ledger.invoices.note_takeover(case.invoice, state.auto_advance, self.clock.now())
            # An invoice paid or voided between the read and this call refuses; what it is now decides at the next act.
            with suppress(stripe.InvalidRequestError):
                self.client.v1.invoices.update(case.invoice, {"auto_advance": False})
            return read_invoice(self.client, case.invoice)


def _with_new_method(case: Case, state: InvoiceState, tried: str | None) -> Case:
    """A method that changed between the failure and the case's beginning gets its immediate attempt."""
    if state.method is None or tried in (None, state.method.id):
        return case
    return fold.method_updated(case, state.method.version, Trigger.CARD_UPDATE)
