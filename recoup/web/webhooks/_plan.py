"""What is done about commands, worked out from what the ledger knows: reads only, acts on nothing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import singledispatchmethod

from activities.complaints import DISPUTE_OPENED
from activities.contracts import CardUpdated, FailedAgain, Happened, InvoicePaid, StartCase
from activities.stripe_tries import PAYMENT_FAILED, collected_by_stripe, tries_told
from recoup.ledger import AccessMeans, CaseRow, Ledger, ObservedCharge
from recoup.rules.case import AttemptState
from recoup.rules.money import Money
from recoup.web.stripe_side import Billing
from recoup.web.webhooks.commands import (
    BeginCase,
    CardChanged,
    Command,
    Ignore,
    Observe,
    Record,
    Signal,
    TellCancelled,
    TellDisputed,
    TellEnded,
    TellPaid,
)

VISIT = timedelta(hours=2)
"""Longer than Stripe's page for a new method can stay open, and than the hour in which uses of a link are recorded once."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Begin a case, or a return."""

    start: StartCase
    customer: str
    subscription: str | None
    due: Money


@dataclass(frozen=True, slots=True)
class Tell:
    """Signal a case."""

    case_id: str
    signal: Signal
    payload: Happened
    must_hear: bool = True
    """Whether it is worth a note when the case does not run."""


@dataclass(frozen=True, slots=True)
class Update:
    """Begin a card update."""

    update: CardUpdated


@dataclass(slots=True)
class Plan:
    """What to do, and what to write down once it is done."""

    acts: list[Begin | Tell | Update] = field(default_factory=list)
    notes: list[Record] = field(default_factory=list)
    charges: list[ObservedCharge] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


class Planner:
    """Plans for one delivery of an event. Where Stripe has to be asked and does not answer, the delivery fails."""

    def __init__(
        self,
        ledger: Ledger,
        billing: Billing,
        event_id: str | None,
        at: datetime,
        happened: datetime | None = None,
    ) -> None:
        """``at`` is the moment of the delivery; ``happened`` is Stripe's, which may be days before."""
        self._ledger = ledger
        self._billing = billing
        self._event = event_id
        self._at = at
        self._happened_at = happened
        self._plan = Plan()

    def plan(self, commands: Iterable[Command]) -> Plan:
        """The whole plan."""
        for command in commands:
            self._add(command)
        return self._plan

    @singledispatchmethod
    def _add(self, command: Command) -> None:
        raise TypeError(f"no plan for {type(command).__name__}")

    @_add.register
    def _begin(self, command: BeginCase) -> None:
        latest = self._latest(command.invoice)
        if latest is None:
            start = StartCase(invoice=command.invoice, at=self._at, event=self._event)
            self._plan.acts.append(Begin(start, command.customer, command.subscription, command.due))
            because = "a renewal failed, so its recovery begins"
        elif not latest.is_open:
            because = f"it failed again after its case ended as {latest.outcome}"
        elif self._is_new_try_of_stripe(command):
            failed = FailedAgain(at=self._at, event=self._event, coming=command.next_attempt)
            self._plan.acts.append(Tell(latest.id, Signal.PAYMENT_FAILED, failed))
            because = "Stripe retried by itself and failed"
        elif self._waits_for_an_answer(command.invoice):
            self._tell(latest.id, Signal.ATTEMPT_ANSWERED, self._happened())
            because = "the bank may have answered about an attempt of Recoup's that waits for it"
        else:
            because = "an attempt of Recoup's or the customer's own failed; whoever made it knows"
        data: dict[str, str | int | None] = {"attempt_count": command.attempt_count}
        self._note(PAYMENT_FAILED, because, command.invoice, command.customer, data)

    @_add.register
    def _paid(self, command: TellPaid) -> None:
        latest = self._latest(command.invoice)
        if latest is not None and latest.is_open and self._waits_for_an_answer(command.invoice):
            self._tell(latest.id, Signal.ATTEMPT_ANSWERED, self._happened())
            because = "an attempt of Recoup's that waited for its answer may have collected it"
        elif self._paid_by_recoup(command.invoice):
            because = "an attempt of Recoup's collected it, or will be found to have"
        elif latest is None:
            # A case that has just begun may not be in the ledger yet; nearly always there is none.
            self._tell(command.invoice, Signal.INVOICE_PAID, self._payment(command), must_hear=False)
            return
        elif latest.is_open:
            self._tell(latest.id, Signal.INVOICE_PAID, self._payment(command))
            because = "it was paid, and not by Recoup"
        elif self._is_suspended(latest):
            self._plan.acts.append(self._return_of(latest, self._payment(command)))
            because = "it was paid after the suspension, so its return begins"
        else:
            because = f"it was paid after its case ended as {latest.outcome}"
        self._note("webhook.invoice_paid", because, command.invoice, command.customer)

    @_add.register
    def _ended(self, command: TellEnded) -> None:
        latest = self._latest(command.invoice)
        if latest is None:
            self._tell(command.invoice, command.signal, self._happened(), must_hear=False)
            return
        if latest.is_open:
            self._tell(latest.id, command.signal, self._happened())
        self._note(f"webhook.{command.signal}", "the invoice ended unpaid", command.invoice, latest.customer)

    @_add.register
    def _cancelled(self, command: TellCancelled) -> None:
        access = self._ledger.access.get(command.subscription)
        data: dict[str, str | int | None] = {"subscription": command.subscription}
        if access is not None and access.how is AccessMeans.CANCELLED:
            because = "Recoup's own suspension cancelled the subscription"
        elif command.ours:
            because = "Recoup cancelled the subscription for its customer, who wished so; its cases know"
        else:
            because = "the subscription was cancelled"
            for case in self._ledger.cases.open_of_subscription(command.subscription):
                self._tell(case.id, Signal.SUBSCRIPTION_CANCELLED, self._happened())
        self._note("webhook.subscription_cancelled", because, None, command.customer, data)

    @_add.register
    def _disputed(self, command: TellDisputed) -> None:
        customer = self._billing.customer_of_charge(command.charge)
        for case in self._ledger.cases.open_of_customer(customer) if customer else ():
            self._tell(case.id, Signal.DISPUTE_OPENED, self._happened())
        data: dict[str, str | int | None] = {"charge": command.charge, "type": command.kind}
        self._note(DISPUTE_OPENED, "whoever disputes a charge is not charged again", None, customer, data)

    @_add.register
    def _card(self, command: CardChanged) -> None:
        concerns_a_case = self._concerns_a_case(command)
        if not concerns_a_case and not self._was_chosen_here(command):
            self._plan.ignored.append("the customer has no case that a payment method could help")
            return
        update = CardUpdated(
            customer=command.customer,
            method=command.method,
            at=self._at,
            event=self._event,
            cause=command.cause,
            chosen=command.chosen,
            happened=self._happened_at,
            ahead=not concerns_a_case,
        )
        self._plan.acts.append(Update(update))
        data: dict[str, str | int | None] = {"method": command.method, "chosen": int(command.chosen)}
        because = f"there is a new or renewed payment method ({command.cause})"
        self._note("webhook.card_changed", because, None, command.customer, data)

    @_add.register
    def _observe(self, command: Observe) -> None:
        self._plan.charges.append(command.charge)

    @_add.register
    def _record(self, command: Record) -> None:
        self._plan.notes.append(command)

    @_add.register
    def _ignore(self, command: Ignore) -> None:
        self._plan.ignored.append(command.because)

    def _latest(self, invoice: str) -> CaseRow | None:
        cases = self._ledger.cases.by_invoice(invoice)
        return cases[-1] if cases else None

    def _waits_for_an_answer(self, invoice: str) -> bool:
        """Whether the case sleeps until it may read what became of its attempt: a bank debit, an answer that was lost."""
        attempt = self._ledger.attempts.unsettled(invoice)
        return attempt is not None and attempt.state in (AttemptState.PENDING, AttemptState.UNKNOWN)

    def _paid_by_recoup(self, invoice: str) -> bool:
        if self._ledger.attempts.unsettled(invoice) is not None:
            return True
        latest = self._ledger.attempts.latest(invoice)
        return latest is not None and latest.state is AttemptState.PAID

    def _is_new_try_of_stripe(self, command: BeginCase) -> bool:
        """Only Stripe's automatic attempts raise ``attempt_count``: neither Recoup's nor the customer's do."""
        known = tries_told(self._ledger, command.invoice, command.customer)
        return command.stripe_retries and command.attempt_count > known

    def _payment(self, command: TellPaid) -> InvoicePaid:
        return InvoicePaid(
            at=self._at,
            event=self._event,
            outside=command.outside,
            by_stripe=not command.outside
            and collected_by_stripe(self._ledger, command.invoice, command.customer, command.attempt_count),
        )

    def _is_suspended(self, case: CaseRow) -> bool:
        suspended = self._ledger.cases.suspended_of_customer(case.customer)
        return any(row.invoice == case.invoice for row in suspended)

    def _concerns_a_case(self, command: CardChanged) -> bool:
        """Nobody's payment methods are touched who owes nothing.

        A chosen method of a customer without a case may still meet one that is about to begin, or was never begun.
        """
        cases = self._ledger.cases
        if cases.open_of_customer(command.customer) or cases.suspended_of_customer(command.customer):
            return True
        return command.chosen and self._billing.has_failed_renewal(command.customer)

    def _was_chosen_here(self, command: CardChanged) -> bool:
        """Whether the customer came to the choice through the update link, owing nothing.

        Stripe's page sets the customer's default alone, which a default of a subscription's own would beat.
        """
        moment = self._happened_at or self._at
        return command.chosen and self._ledger.events.has("link_used", command.customer, moment - VISIT)

    def _return_of(self, case: CaseRow, paid: InvoicePaid) -> Begin:
        number = len(self._ledger.cases.by_invoice(case.invoice)) + 1
        start = StartCase(
            invoice=case.invoice, at=self._at, event=self._event, return_number=number, paid=paid
        )
        due = Money(amount=case.amount, currency=case.currency)
        return Begin(start, case.customer, case.subscription, due)

    def _happened(self) -> Happened:
        return Happened(at=self._at, event=self._event)

    def _tell(self, case: str, signal: Signal, payload: Happened, *, must_hear: bool = True) -> None:
        self._plan.acts.append(Tell(case, signal, payload, must_hear))

    def _note(
        self,
        kind: str,
        because: str,
        invoice: str | None,
        customer: str | None,
        data: dict[str, str | int | None] | None = None,
    ) -> None:
        self._plan.notes.append(Record(kind, because, invoice, customer, data or {}))
