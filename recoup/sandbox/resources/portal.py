"""The billing portal: sessions and configurations."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc, invalid_parameter
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import FLAG, TEXT, Fields, Text, listing, request
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.ids import random_text
from recoup.sandbox.webhooks import tell

_AFTER = Fields(
    ("type",),
    type=Text("hosted_confirmation", "portal_homepage", "redirect"),
    redirect=Fields(("return_url",), return_url=TEXT),
    hosted_confirmation=Fields(custom_message=TEXT),
)
_FLOW = Fields(
    ("type",),
    type=Text("payment_method_update", "customer_update", "subscription_cancel", "subscription_pause"),
    after_completion=_AFTER,
    subscription_cancel=Fields(("subscription",), subscription=TEXT),
    subscription_pause=Fields(("subscription",), subscription=TEXT),
)


@router.add(
    "POST",
    "/v1/billing_portal/sessions",
    request(
        "customer",
        customer=TEXT,
        return_url=TEXT,
        configuration=TEXT,
        locale=TEXT,
        flow_data=_FLOW,
        after_expiration=Fields(("type",), type=Text("customer_login")),
    ),
)
def create(call: Call) -> Doc:
    """A short-lived address at which the customer manages their payment methods."""
    work, params = call.work, call.params
    customer = work.live("customer", params["customer"], "customer")
    if params.get("configuration"):
        configuration = work.get("billing_portal.configuration", params["configuration"], "configuration")
    else:
        configuration = work.select("billing_portal.configuration", {"is_default": 1})[0]
    flow = params.get("flow_data")
    if (
        flow
        and flow["type"] == "payment_method_update"
        and not configuration["features"]["payment_method_update"]["enabled"]
    ):
        text = "This configuration does not let customers update their payment methods."
        raise invalid_parameter(text, "flow_data[type]")
    token = random_text(40)
    session = work.create(
        "billing_portal.session",
        configuration=configuration["id"],
        customer=customer["id"],
        customer_account=None,
        flow=_flow(flow) if flow else None,
        livemode=False,
        locale=params.get("locale"),
        on_behalf_of=None,
        return_url=params.get("return_url"),
        url=f"{work.base_url}/pages/portal/{token}",
        _token=token,
        _expires_at=work.now + int(work.switches.number("portal_session_seconds")),
    )
    tell(work, "billing_portal.session.created", session)
    return session


@router.add("GET", "/v1/billing_portal/configurations", listing(active=FLAG, is_default=FLAG))
def list_configurations(call: Call) -> Doc:
    """The portal's configurations."""
    where = given(call.params, "active", "is_default")
    return page(
        call.work, "billing_portal.configuration", "/v1/billing_portal/configurations", call.params, where
    )


@router.add("GET", "/v1/billing_portal/configurations/{id}", request())
def retrieve_configuration(call: Call) -> Doc:
    """One configuration."""
    return call.work.get("billing_portal.configuration", call.id)


@router.add(
    "POST",
    "/v1/billing_portal/configurations/{id}",
    request(
        active=FLAG,
        default_return_url=TEXT,
        features=Fields(payment_method_update=Fields(("enabled",), enabled=FLAG)),
    ),
)
def update_configuration(call: Call) -> Doc:
    """Switch the update of payment methods on or off."""
    configuration = call.work.get("billing_portal.configuration", call.id)
    configuration.update(given(call.params, "active", "default_return_url"))
    feature = (call.params.get("features") or {}).get("payment_method_update")
    if feature:
        configuration["features"]["payment_method_update"]["enabled"] = feature["enabled"]
    configuration["updated"] = call.work.now
    tell(call.work, "billing_portal.configuration.updated", configuration)
    return configuration


def _flow(given_: Doc) -> Doc:
    after = given_.get("after_completion") or {"type": "portal_homepage"}
    confirmation = after.get("hosted_confirmation")
    return {
        "after_completion": {
            "hosted_confirmation": {"custom_message": confirmation.get("custom_message")}
            if confirmation
            else None,
            "redirect": after.get("redirect"),
            "type": after["type"],
        },
        "customer_update": None,
        "subscription_cancel": given_.get("subscription_cancel"),
        "subscription_pause": given_.get("subscription_pause"),
        "subscription_update": None,
        "subscription_update_confirm": None,
        "type": given_["type"],
    }
