"""From an event of Stripe's to commands: pure, and total (whatever comes, there is an answer).

:data:`ROUTES` names every event type that Recoup knows and what it does about it; ``docs/webhooks.md`` shows the same table,
and a test holds the two together. Sources: Stripe, "Types of events"; "Using webhooks with subscriptions".
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from recoup.web.webhooks import _charges, _customers, _invoices
from recoup.web.webhooks.commands import Command, Ignore, Record
from recoup.web.webhooks.shapes import API_VERSION, Event, Named, sentence

Reader = Callable[[Event], list[Command]]


@dataclass(frozen=True, slots=True)
class Route:
    """What is done about one type of event."""

    read: Reader
    what: str
    """One sentence for the documentation."""


def route(event: dict[str, Any]) -> list[Command]:
    """The commands that an event asks for. Never empty, never an error: what cannot be read is an :class:`Ignore`."""
    try:
        told = Event.model_validate(event)
    except ValidationError as error:
        return [Ignore(f"not a snapshot event that Recoup can read ({sentence(error)})")]
    if told.account is not None:
        return [Ignore("it belongs to a connected account; Recoup looks after one account")]
    known = ROUTES.get(told.type)
    if known is None:
        return [Ignore(f"Recoup has no use for events of the type {told.type}")]
    try:
        return known.read(told)
    except ValidationError as error:
        version = told.api_version or "no API version"
        because = (
            f"unexpected shape ({sentence(error)}); it was made for {version}, Recoup reads {API_VERSION}"
        )
        return [Ignore(because)]


def _ignore(because: str) -> Route:
    return Route(lambda _: [Ignore(because)], f"Ignored: {because}.")


def _mirror(because: str) -> Route:
    return Route(lambda _: [Ignore(because)], "Marks the customer, whose cards are then read again.")


def _record(kind: str, because: str) -> Route:
    def read(event: Event) -> list[Command]:
        told = Named.model_validate(event.data.object)
        data: dict[str, str | int | None] = {"object": told.id, "status": told.status, "type": event.type}
        return [Record(kind=kind, because=because, invoice=told.invoice, customer=told.customer, data=data)]

    return Route(read, f"Recorded: {because}.")


ROUTES: dict[str, Route] = {
    "invoice.payment_failed": Route(
        _invoices.payment_failed,
        "Begins the case of a renewal. With a case open: signals it when the attempt was Stripe's own,"
        " otherwise only recorded."
        " While a bank debit of Recoup's waits for its answer: tells the case to read it. First invoices, `send_invoice`, nothing owed, no subscription: recorded, no case.",
    ),
    "invoice.paid": Route(
        _invoices.paid,
        "Ends the open case as recovered, unless an attempt of Recoup's paid it (then the case knows, or is told to read the"
        " result of its bank debit). After a suspension: begins the return, which restores the access.",
    ),
    "invoice.payment_succeeded": Route(
        _invoices.paid, "The same as `invoice.paid`; whichever comes first counts."
    ),
    "invoice.voided": Route(_invoices.voided, "Ends the open case as closed."),
    "invoice.deleted": Route(_invoices.voided, "Ends the open case as closed, as if voided."),
    "invoice.marked_uncollectible": Route(_invoices.uncollectible, "Ends the open case as closed."),
    "invoice.payment_action_required": Route(
        _invoices.action_required,
        "Recorded: the `invoice.payment_failed` that comes with it leads the case, whose first message then asks"
        " for the authentication.",
    ),
    "invoice.overpaid": Route(
        _invoices.overpaid,
        "Recorded for the operator: two payments met after Recoup had looked. What met an attempt of Recoup's it finds itself.",
    ),
    "invoice.finalization_failed": Route(
        _invoices.finalization_failed,
        "Recorded for the operator: a configuration error, not a failed payment.",
    ),
    "invoice.payment_attempt_required": _record(
        "webhook.attempt_required",
        "the invoice waits for a payment method that Stripe cannot charge by itself",
    ),
    "invoice.updated": _ignore(
        "every change that matters has an event of its own, and each act reads the invoice"
    ),
    "invoice.overdue": _ignore(
        "only invoices that are sent to the customer become overdue; Recoup has no case for them"
    ),
    "invoice.will_be_due": _ignore(
        "only invoices that are sent to the customer become due; Recoup has no case for them"
    ),
    "invoice_payment.paid": _record(
        "webhook.part_paid", "a part of the invoice was paid; what remains is read before each act"
    ),
    "customer.subscription.created": _mirror("a new subscription has no failed renewal yet"),
    "customer.deleted": _mirror("each of the customer's subscriptions tells its own end"),
    "customer.subscription.updated": Route(
        _customers.subscription_updated,
        "Status `canceled`: ends its open cases as cancelled. A new default payment method: a card update, chosen by"
        " the customer. Other states and `pause_collection`: recorded (an `unpaid` subscription can still be won back).",
    ),
    "customer.subscription.deleted": Route(
        _customers.subscription_deleted,
        "Ends each of its open cases as cancelled, unless the suspension of one of them cancelled it.",
    ),
    "customer.subscription.paused": Route(_customers.subscription_paused, "Recorded."),
    "customer.subscription.resumed": Route(_customers.subscription_paused, "Recorded."),
    "customer.updated": Route(
        _customers.customer_updated,
        "A new default payment method: a card update, chosen by the customer. Anything else: ignored.",
    ),
    "payment_method.attached": Route(
        _customers.method_attached,
        "A card update that the customer did not choose for a subscription yet; only where the customer has a case.",
    ),
    "payment_method.updated": Route(
        _customers.method_updated,
        "The same as `payment_method.attached`, when something changed that a bank looks at; otherwise ignored.",
    ),
    "payment_method.automatically_updated": Route(
        _customers.method_renewed,
        "A card update by the network's account updater; only where the customer has a case.",
    ),
    "payment_method.detached": Route(_customers.method_detached, "Recorded."),
    "setup_intent.succeeded": Route(
        _customers.setup_succeeded,
        "A card update, chosen by the customer, when it was set up for charges without them (`usage=off_session`).",
    ),
    "setup_intent.setup_failed": _record(
        "webhook.setup_failed", "the customer tried to save a payment method and did not succeed"
    ),
    "checkout.session.completed": Route(
        _customers.checkout_completed,
        "`mode=setup`: the session names its set-up intent only, and `setup_intent.succeeded` names the payment"
        " method, so that one acts. Other modes: ignored.",
    ),
    "checkout.session.expired": _ignore("nothing was set up"),
    "payment_intent.payment_failed": _ignore("`charge.failed` and `invoice.payment_failed` tell the same"),
    "payment_intent.requires_action": _ignore("`invoice.payment_failed` tells the same, with its invoice"),
    "charge.failed": Route(
        _charges.charge_failed,
        "Counted for the card's limits, whoever made it: Recoup, Stripe's own retries, the hosted page.",
    ),
    "charge.dispute.created": Route(
        _charges.complaint,
        "Ends every open case of the customer as closed: who disputes a charge is not charged again. A case that begins up to three days later ends so too.",
    ),
    "charge.dispute.closed": _record("webhook.dispute_closed", "the case it closed stays closed"),
    "radar.early_fraud_warning.created": Route(_charges.complaint, "The same as `charge.dispute.created`."),
    "review.opened": _record("webhook.review", "a payment waits for a review of yours"),
    "mandate.updated": _record(
        "webhook.mandate", "a bank debit's mandate changed; the next attempt finds out"
    ),
    "customer.source.expiring": _ignore("it is sent for legacy sources only, never for payment methods"),
    "billing_portal.session.created": _ignore("informational"),
    "billing_portal.configuration.updated": _ignore("informational"),
    "test_helpers.test_clock.ready": _ignore("informational"),
}
