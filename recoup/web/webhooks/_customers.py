"""Events about subscriptions, customers and their payment methods."""

from __future__ import annotations

from recoup.rules.case import Trigger
from recoup.web.webhooks.commands import CardChanged, Command, Ignore, Record, TellCancelled
from recoup.web.webhooks.shapes import (
    CheckoutSession,
    Customer,
    Event,
    PaymentMethod,
    SetupIntent,
    Subscription,
)

_RENEWING = frozenset({"card", "billing_details", "us_bank_account", "sepa_debit"})
"""What must have changed on a payment method for a new attempt to make sense."""


def subscription_deleted(event: Event) -> list[Command]:
    """The subscription is over, so its debt is not dunned any longer."""
    subscription = Subscription.model_validate(event.data.object)
    return [_cancelled(event, subscription)]


def subscription_updated(event: Event) -> list[Command]:
    """Cancelled, in another state, or with another payment method of its own."""
    subscription = Subscription.model_validate(event.data.object)
    commands: list[Command] = []
    if "status" in event.previous:
        commands.append(_status(event, subscription))
    if "pause_collection" in event.previous:
        commands.append(_noted(subscription, "its collection was paused or resumed"))
    if "default_payment_method" in event.previous:
        method = subscription.default_payment_method
        commands.append(_chosen(event, subscription.customer, method, "the subscription"))
    return commands or [Ignore("nothing changed that concerns a recovery")]


def _status(event: Event, subscription: Subscription) -> Command:
    if subscription.status == "canceled":
        return _cancelled(event, subscription)
    return _noted(subscription, f"its status became {subscription.status}")


def _cancelled(event: Event, subscription: Subscription) -> Command:
    return TellCancelled(
        subscription=subscription.id, customer=subscription.customer, ours=event.made_by_recoup
    )


def subscription_paused(event: Event) -> list[Command]:
    """Paused or resumed, by us, the merchant or the customer."""
    subscription = Subscription.model_validate(event.data.object)
    return [_noted(subscription, f"it was {event.type.rpartition('.')[2]}")]


def _noted(subscription: Subscription, because: str) -> Record:
    return Record(
        kind="webhook.subscription",
        because=because,
        customer=subscription.customer,
        data={"subscription": subscription.id, "status": subscription.status},
    )


def customer_updated(event: Event) -> list[Command]:
    """A new default payment method is a card update; nothing else about a customer concerns a case."""
    customer = Customer.model_validate(event.data.object)
    settings = event.previous.get("invoice_settings")
    if not isinstance(settings, dict) or "default_payment_method" not in settings:
        return [Ignore("the default payment method did not change")]
    method = customer.invoice_settings.default_payment_method
    return [_chosen(event, customer.id, method, "the customer")]


def _chosen(event: Event, customer: str, method: str | None, whose: str) -> Command:
    if event.made_by_recoup:
        # Of two methods that are as old as each other each would be set again for the other's echo, for ever.
        return Ignore("Recoup set the payment method itself, for a choice that another event told")
    if method is None:
        return Ignore(f"{whose} has no default payment method any more")
    return CardChanged(customer=customer, method=method, cause=Trigger.CARD_UPDATE, chosen=True)


def method_attached(event: Event) -> list[Command]:
    """A new payment method; whether it is meant for the subscriptions, other events or the case itself tell."""
    return _appeared(event, Trigger.CARD_UPDATE)


def method_updated(event: Event) -> list[Command]:
    """A payment method's data changed: a new expiry, a corrected address."""
    if not _RENEWING & event.previous.keys():
        return [Ignore("nothing changed that a bank would look at")]
    return _appeared(event, Trigger.CARD_UPDATE)


def method_renewed(event: Event) -> list[Command]:
    """The network's card updater brought a new number or expiry."""
    return _appeared(event, Trigger.ACCOUNT_UPDATER)


def _appeared(event: Event, cause: Trigger) -> list[Command]:
    method = PaymentMethod.model_validate(event.data.object)
    if method.customer is None:
        return [Ignore("the payment method belongs to no customer")]
    return [CardChanged(customer=method.customer, method=method.id, cause=cause, chosen=False)]


def method_detached(event: Event) -> list[Command]:
    """A payment method was taken off; the object no longer says whose it was."""
    method = PaymentMethod.model_validate(event.data.object)
    before = event.previous.get("customer")
    customer = before if isinstance(before, str) and before.isprintable() and len(before) <= 255 else None
    because = "the payment method was removed; each attempt reads the one that is left"
    return [Record(kind="webhook.method", because=because, customer=customer, data={"method": method.id})]


def setup_succeeded(event: Event) -> list[Command]:
    """The customer saved a payment method for later charges, on whichever page."""
    setup = SetupIntent.model_validate(event.data.object)
    if setup.customer is None or setup.payment_method is None:
        return [Ignore("the set-up belongs to no customer, or has no payment method")]
    if setup.usage != "off_session":
        return [Ignore("the payment method was not saved for charges without the customer")]
    return [
        CardChanged(
            customer=setup.customer, method=setup.payment_method, cause=Trigger.CARD_UPDATE, chosen=True
        )
    ]


def checkout_completed(event: Event) -> list[Command]:
    """A set-up through Checkout; it names the set-up intent, whose own event names the payment method."""
    session = CheckoutSession.model_validate(event.data.object)
    if session.mode != "setup":
        return [Ignore("the Checkout session did not set up a payment method")]
    setup = session.setup_intent
    if session.customer is None or setup is None:
        return [Ignore("the Checkout session belongs to no customer, or has no set-up intent")]
    if isinstance(setup, str) or setup.payment_method is None:
        return [Ignore("its set-up intent tells the payment method in setup_intent.succeeded")]
    return [
        CardChanged(
            customer=session.customer, method=setup.payment_method, cause=Trigger.CARD_UPDATE, chosen=True
        )
    ]
