"""PaymentIntents and SetupIntents."""

from __future__ import annotations

from recoup.sandbox.billing import partial
from recoup.sandbox.billing.collecting import collect, resolve_method
from recoup.sandbox.http.errors import Doc, invalid_parameter, invalid_request
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import (
    FLAG,
    LABELS,
    RANGE,
    TEXT,
    Fields,
    Kind,
    Many,
    Text,
    Whole,
    listing,
    merge_labels,
    request,
)
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.objects.payments import create_intent
from recoup.sandbox.service.methods import find_method, own_method
from recoup.sandbox.service.setup import confirm_setup, create_setup_intent
from recoup.sandbox.webhooks import tell


class NoLongerSupported:
    """``payment_method_types`` when an intent is made: refused since 2026-09-30.endive."""

    def read(self, raw: object, path: str) -> object:
        """Always the refusal."""
        text = "The payment_method_types parameter is no longer supported. Use allowed_payment_method_types, or leave it out."
        raise invalid_parameter(text, path, "payment_method_types_no_longer_supported")


GONE: Kind = NoLongerSupported()


@router.add(
    "POST",
    "/v1/payment_intents",
    request(
        "amount",
        "currency",
        "customer",
        "payment_method",
        "confirm",
        amount=Whole(1, 99_999_999),
        currency=TEXT,
        customer=TEXT,
        payment_method=TEXT,
        confirm=FLAG,
        off_session=FLAG,
        description=TEXT,
        metadata=LABELS,
        payment_method_types=GONE,
    ),
)
def create(call: Call) -> Doc:
    """A PaymentIntent that belongs to no invoice yet, confirmed at once."""
    work, params = call.work, call.params
    if not params["confirm"]:
        text = "The sandbox makes PaymentIntents that are confirmed at once: confirm=true."
        raise invalid_parameter(text, "confirm")
    customer = work.live("customer", params["customer"], "customer")
    method = own_method(work, customer["id"], params["payment_method"], "payment_method")
    intent = create_intent(
        work, customer["id"], params["amount"], params["currency"].lower(), params.get("description")
    )
    intent.update(setup_future_usage=None, _invoice=None)
    intent["metadata"] = merge_labels({}, params.get("metadata"))
    tell(work, "payment_intent.created", intent)
    partial.take(work, intent, method, on_session=not params.get("off_session", False))
    return intent


@router.add("GET", "/v1/payment_intents/{id}", request(client_secret=TEXT))
def retrieve(call: Call) -> Doc:
    """One PaymentIntent."""
    return call.work.get("payment_intent", call.id, "intent")


@router.add("GET", "/v1/payment_intents", listing(customer=TEXT, created=RANGE))
def list_intents(call: Call) -> Doc:
    """PaymentIntents, newest first."""
    return page(
        call.work, "payment_intent", "/v1/payment_intents", call.params, given(call.params, "customer")
    )


@router.add(
    "POST",
    "/v1/payment_intents/{id}/confirm",
    request(payment_method=TEXT, off_session=FLAG, return_url=TEXT),
)
def confirm(call: Call) -> Doc:
    """Pay the PaymentIntent's invoice with a payment method, the customer being there unless ``off_session``."""
    work, params = call.work, call.params
    intent = work.get("payment_intent", call.id, "intent")
    if intent["status"] not in ("requires_payment_method", "requires_confirmation", "requires_action"):
        text = f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}."
        raise invalid_request(text, code="payment_intent_unexpected_state")
    if intent["_invoice"] is None:
        raise invalid_request("The sandbox confirms a PaymentIntent without an invoice once, as it is made.")
    invoice = work.get("invoice", intent["_invoice"])
    method = resolve_method(work, invoice)
    if params.get("payment_method"):
        method = find_method(work, params["payment_method"], "payment_method")
        if method["customer"] not in (None, invoice["customer"]):
            own_method(work, invoice["customer"], method["id"], "payment_method")
    if method is None:
        text = "You cannot confirm this PaymentIntent because it's missing a payment method."
        raise invalid_request(text, code="payment_intent_unexpected_state")
    on_session = not params.get("off_session", False)
    attempt = collect(work, invoice, method, on_session=on_session, hosted=on_session)
    if attempt.result != "requires_action":
        attempt.check()
    elif params.get("return_url"):
        intent["next_action"]["redirect_to_url"]["return_url"] = params["return_url"]
    return intent


@router.add(
    "POST",
    "/v1/setup_intents",
    request(
        customer=TEXT,
        payment_method=TEXT,
        confirm=FLAG,
        usage=Text("off_session", "on_session"),
        description=TEXT,
        metadata=LABELS,
        return_url=TEXT,
        payment_method_types=GONE,
        allowed_payment_method_types=Many(TEXT),
        excluded_payment_method_types=Many(TEXT),
        automatic_payment_methods=Fields(("enabled",), enabled=FLAG, allow_redirects=Text("always", "never")),
    ),
)
def create_setup(call: Call) -> Doc:
    """A SetupIntent; confirmed at once where asked for."""
    work, params = call.work, call.params
    if params.get("customer"):
        work.live("customer", params["customer"], "customer")
    intent = create_setup_intent(work, params.get("customer"), params.get("usage", "off_session"))
    intent.update(given(params, "description", "excluded_payment_method_types"))
    intent["metadata"] = merge_labels({}, params.get("metadata"))
    if params.get("payment_method"):
        method = find_method(work, params["payment_method"], "payment_method")
        intent.update(payment_method=method["id"], status="requires_confirmation")
    if params.get("confirm"):
        _confirm(call, intent)
    return intent


@router.add("GET", "/v1/setup_intents/{id}", request(client_secret=TEXT))
def retrieve_setup(call: Call) -> Doc:
    """One SetupIntent."""
    return call.work.get("setup_intent", call.id, "intent")


@router.add("GET", "/v1/setup_intents", listing(customer=TEXT, payment_method=TEXT, created=RANGE))
def list_setups(call: Call) -> Doc:
    """SetupIntents, newest first."""
    where = given(call.params, "customer", "payment_method")
    return page(call.work, "setup_intent", "/v1/setup_intents", call.params, where)


@router.add("POST", "/v1/setup_intents/{id}/confirm", request(payment_method=TEXT, return_url=TEXT))
def confirm_a_setup(call: Call) -> Doc:
    """Save the payment method."""
    intent = call.work.get("setup_intent", call.id, "intent")
    _confirm(call, intent)
    return intent


@router.add("POST", "/v1/setup_intents/{id}/cancel", request(cancellation_reason=TEXT))
def cancel_a_setup(call: Call) -> Doc:
    """Give the SetupIntent up."""
    intent = call.work.get("setup_intent", call.id, "intent")
    if intent["status"] in ("succeeded", "canceled"):
        raise invalid_request(
            f"You cannot cancel this SetupIntent because it has a status of {intent['status']}."
        )
    intent.update(
        status="canceled", cancellation_reason=call.params.get("cancellation_reason"), next_action=None
    )
    tell(call.work, "setup_intent.canceled", intent)
    return intent


def _confirm(call: Call, intent: Doc) -> None:
    id_ = call.params.get("payment_method") or intent["payment_method"]
    if not id_:
        text = "You cannot confirm this SetupIntent because it's missing a payment method."
        raise invalid_request(text, code="setup_intent_unexpected_state")
    error = confirm_setup(call.work, intent, find_method(call.work, id_, "payment_method"))
    if error is not None:
        raise error
