"""Events about invoices."""

from __future__ import annotations

from recoup.billing.invoices import is_credited, moment
from recoup.rules.money import Money
from recoup.web.webhooks.commands import BeginCase, Command, Record, Signal, TellEnded, TellPaid
from recoup.web.webhooks.shapes import EndedInvoice, Event, Invoice


def payment_failed(event: Event) -> list[Command]:
    """A renewal begins a case; every other invoice says why it does not."""
    invoice = Invoice.model_validate(event.data.object)
    subscription = invoice.subscription
    because = _no_case(invoice)
    if because or subscription is None:
        return [_record(invoice, because or "it bills no subscription", "webhook.no_case")]
    return [
        BeginCase(
            invoice=invoice.id,
            customer=invoice.customer,
            subscription=subscription,
            due=Money(amount=invoice.amount_remaining, currency=invoice.currency),
            stripe_retries=bool(invoice.auto_advance),
            attempt_count=invoice.attempt_count,
            next_attempt=moment(coming) if (coming := invoice.next_payment_attempt) else None,
        )
    ]


def _no_case(invoice: Invoice) -> str | None:
    if invoice.subscription is None:
        return "it bills no subscription"
    if invoice.collection_method != "charge_automatically":
        return "it is sent to the customer, not charged automatically"
    if invoice.billing_reason == "subscription_create":
        return "it is the first invoice of its subscription, which Stripe lets expire by itself"
    if invoice.amount_remaining <= 0:
        return "nothing is owed on it"
    if invoice.status != "open":
        return f"its status is {invoice.status}"
    return None


def paid(event: Event) -> list[Command]:
    """The invoice is paid, by whomever; settled by credit notes alone, nobody paid it."""
    invoice = Invoice.model_validate(event.data.object)
    if is_credited(event.data.object):
        return [TellEnded(invoice=invoice.id, customer=invoice.customer, signal=Signal.INVOICE_VOIDED)]
    return [
        TellPaid(
            invoice=invoice.id,
            customer=invoice.customer,
            outside=invoice.paid_outside,
            attempt_count=invoice.attempt_count,
        )
    ]


def voided(event: Event) -> list[Command]:
    """Voided or deleted: nothing is owed any more."""
    return _ended(event, Signal.INVOICE_VOIDED)


def uncollectible(event: Event) -> list[Command]:
    """The merchant has given the invoice up."""
    return _ended(event, Signal.INVOICE_UNCOLLECTIBLE)


def _ended(event: Event, signal: Signal) -> list[Command]:
    invoice = EndedInvoice.model_validate(event.data.object)
    return [TellEnded(invoice=invoice.id, customer=invoice.customer, signal=signal)]


def action_required(event: Event) -> list[Command]:
    """The failure that comes with it leads the case; here it is only noted."""
    invoice = Invoice.model_validate(event.data.object)
    because = (
        "the bank wants the customer's authentication; the failed payment that comes with it leads the case"
    )
    return [_record(invoice, because, "webhook.action_required")]


def finalization_failed(event: Event) -> list[Command]:
    """A draft that cannot become an invoice: the operator must mend it."""
    invoice = Invoice.model_validate(event.data.object)
    because = "Stripe could not finalise the invoice; look at its last_finalization_error in the Dashboard"
    return [_record(invoice, because, "operator.finalization_failed")]


def overpaid(event: Event) -> list[Command]:
    """More came in than was due: Stripe credits it to the customer's balance, and a person should know."""
    invoice = Invoice.model_validate(event.data.object)
    because = "more was paid than was due; Stripe credits the rest to the customer's balance, look whether it should go back"
    return [_record(invoice, because, "operator.overpaid")]


def _record(invoice: Invoice, because: str, kind: str) -> Command:
    data: dict[str, str | int | None] = {
        "billing_reason": invoice.billing_reason,
        "attempt_count": invoice.attempt_count,
        "subscription": invoice.subscription,
    }
    return Record(kind=kind, because=because, invoice=invoice.id, customer=invoice.customer, data=data)
