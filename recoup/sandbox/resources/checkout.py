"""Checkout sessions in setup mode."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc, invalid_parameter, invalid_request
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import LABELS, MOMENT, RANGE, TEXT, Many, Text, listing, merge_labels, request
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.ids import new_id, random_text
from recoup.sandbox.resources.intents import GONE
from recoup.sandbox.service.setup import create_setup_intent
from recoup.sandbox.webhooks import tell

_SHORTEST, _LONGEST = 1_800, 86_400


@router.add(
    "POST",
    "/v1/checkout/sessions",
    request(
        "mode",
        mode=Text("setup"),
        customer=TEXT,
        currency=TEXT,
        success_url=TEXT,
        cancel_url=TEXT,
        expires_at=MOMENT,
        client_reference_id=TEXT,
        locale=TEXT,
        metadata=LABELS,
        payment_method_types=GONE,
        allowed_payment_method_types=Many(TEXT),
    ),
)
def create(call: Call) -> Doc:
    """An address at which the customer saves a payment method; the defaults are then the caller's to set."""
    work, params = call.work, call.params
    if not params.get("currency") and not params.get("allowed_payment_method_types"):
        text = "In setup mode you must pass currency, or allowed_payment_method_types."
        raise invalid_parameter(text, "currency", "parameter_missing")
    if params.get("customer"):
        work.live("customer", params["customer"], "customer")
    expires = params.get("expires_at") or work.now + _LONGEST
    if not work.now + _SHORTEST <= expires <= work.now + _LONGEST:
        text = "The `expires_at` timestamp must be between 30 minutes and 24 hours from Checkout Session creation."
        raise invalid_parameter(text, "expires_at")
    id_, token = new_id("checkout.session"), random_text(40)
    intent = create_setup_intent(work, params.get("customer"))
    intent["_checkout"] = id_
    session = work.create("checkout.session", **_blank(), id=id_, _token=token)
    session.update(
        given(params, "customer", "currency", "success_url", "cancel_url", "client_reference_id", "locale")
    )
    session.update(
        expires_at=expires, setup_intent=intent["id"], url=f"{work.base_url}/pages/checkout/{token}"
    )
    session["metadata"] = merge_labels({}, params.get("metadata"))
    work.told(session)
    work.plan("close_checkout", id_, expires)
    return session


@router.add("GET", "/v1/checkout/sessions/{id}", request())
def retrieve(call: Call) -> Doc:
    """One session."""
    return call.work.get("checkout.session", call.id)


@router.add("GET", "/v1/checkout/sessions", listing(customer=TEXT, status=TEXT, created=RANGE))
def list_sessions(call: Call) -> Doc:
    """Sessions, newest first."""
    where = given(call.params, "customer", "status")
    return page(call.work, "checkout.session", "/v1/checkout/sessions", call.params, where)


@router.add("POST", "/v1/checkout/sessions/{id}/expire", request())
def expire(call: Call) -> Doc:
    """Close an open session."""
    session = call.work.get("checkout.session", call.id)
    if session["status"] != "open":
        raise invalid_request(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This one is {session["status"]}.'
        )
    call.work.unplan("close_checkout", call.id)
    session.update(status="expired", url=None)
    tell(call.work, "checkout.session.expired", session)
    return session


def _blank() -> Doc:
    names = """adaptive_pricing after_expiration allow_promotion_codes amount_subtotal amount_total billing_address_collection
        cancel_url client_reference_id client_secret collected_information consent consent_collection currency
        currency_conversion customer customer_account customer_creation customer_details customer_email discounts invoice
        invoice_creation locale origin_context payment_intent payment_link payment_method_configuration_details permissions
        recovered_from saved_payment_method_options shipping_address_collection shipping_cost submit_type subscription
        success_url total_details wallet_options""".split()
    return {
        **dict.fromkeys(names),
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "custom_fields": [],
        "custom_text": {
            "after_submit": None,
            "shipping_address": None,
            "submit": None,
            "terms_of_service_acceptance": None,
        },
        "expires_at": 0,
        "livemode": False,
        "metadata": {},
        "mode": "setup",
        "payment_method_collection": "always",
        "payment_method_options": {},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required",
        "phone_number_collection": {"enabled": False},
        "setup_intent": None,
        "shipping_options": [],
        "status": "open",
        "ui_mode": "hosted_page",
        "url": None,
    }
