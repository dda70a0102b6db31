"""Subscriptions: make, read, change, list."""

from __future__ import annotations

from typing import Any

from recoup.sandbox.billing import lifecycle
from recoup.sandbox.billing.collecting import collect, resolve_method
from recoup.sandbox.billing.invoicing import finalize
from recoup.sandbox.billing.periods import DAY, current_period, end_for, set_period
from recoup.sandbox.billing.renewals import bill_period
from recoup.sandbox.http.errors import Doc, invalid_parameter, invalid_request
from recoup.sandbox.http.lists import page, slice_page
from recoup.sandbox.http.params import (
    FLAG,
    LABELS,
    MOMENT,
    RANGE,
    TEXT,
    Fields,
    Many,
    Moment,
    Params,
    Text,
    Whole,
    listing,
    merge_labels,
    request,
)
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.objects.subscriptions import create_price, create_subscription
from recoup.sandbox.resources.catalog import RECURRING
from recoup.sandbox.service.methods import own_method
from recoup.sandbox.webhooks import tell, tell_change
from recoup.sandbox.work import Work

_PRICE_DATA = Fields(
    ("currency", "product", "recurring"),
    currency=TEXT,
    product=TEXT,
    recurring=RECURRING,
    unit_amount=Whole(0, 99_999_999),
)
_ITEM = Fields(id=TEXT, price=TEXT, price_data=_PRICE_DATA, quantity=Whole(0, 10**6), metadata=LABELS)
_PAYMENT_SETTINGS = Fields(
    save_default_payment_method=Text("off", "on_subscription"), payment_method_types=Many(TEXT)
)
_TRIAL = Fields(
    end_behavior=Fields(
        ("missing_payment_method",), missing_payment_method=Text("cancel", "create_invoice", "pause")
    )
)
_SHARED = request(
    default_payment_method=TEXT,
    metadata=LABELS,
    description=TEXT,
    cancel_at_period_end=FLAG,
    cancel_at=MOMENT,
    collection_method=Text("charge_automatically", "send_invoice"),
    days_until_due=Whole(0, 3650),
    payment_settings=_PAYMENT_SETTINGS,
    trial_settings=_TRIAL,
    trial_end=Moment("now"),
    off_session=FLAG,
    proration_behavior=Text("always_invoice", "create_prorations", "none"),
)
_ANCHOR = Fields(("type",), type=Text("timestamp", "now", "unchanged"), timestamp=MOMENT)
_PAUSE_COLLECTION = Fields(
    ("behavior",), behavior=Text("keep_as_draft", "mark_uncollectible", "void"), resumes_at=MOMENT
)
_BEHAVIOR = Text("allow_incomplete", "default_incomplete", "error_if_incomplete", "pending_if_incomplete")


@router.add(
    "POST",
    "/v1/subscriptions",
    Fields(
        ("customer", "items"),
        **{
            **_SHARED.fields,
            "customer": TEXT,
            "items": Many(_ITEM),
            "currency": TEXT,
            "payment_behavior": _BEHAVIOR,
            "backdate_start_date": MOMENT,
            "billing_cycle_anchor": _ANCHOR,
            "billing_mode": Fields(("type",), type=Text("classic", "flexible")),
            "trial_period_days": Whole(1, 730),
        },
    ),
)
def create(call: Call) -> Doc:
    """A new subscription; its first invoice is collected at once, unless a trial or a later anchor comes first."""
    work, params = call.work, call.params
    customer = work.live("customer", params["customer"], "customer")
    items = [_priced(work, item, index) for index, item in enumerate(params["items"])]
    fields = given(
        params, "description", "cancel_at_period_end", "collection_method", "days_until_due", "cancel_at"
    )
    if params.get("billing_mode"):
        kind = params["billing_mode"]["type"]
        flexible = {"proration_discounts": "included"} if kind == "flexible" else None
        fields["billing_mode"] = {"flexible": flexible, "type": kind}
    subscription = create_subscription(work, customer, items, **fields)
    _apply(work, subscription, params)
    _first_period(work, subscription, params)
    tell(work, "customer.subscription.created", subscription)
    if subscription["cancel_at"]:
        work.plan("cancel_at", subscription["id"], subscription["cancel_at"])
    if subscription["status"] == "trialing" or subscription.pop("_starts_unbilled", False):
        work.plan("renew", subscription["id"], current_period(subscription)[1])
    else:
        _bill_first_period(work, subscription, params)
    return subscription


@router.add("GET", "/v1/subscriptions/{id}", request())
def retrieve(call: Call) -> Doc:
    """One subscription."""
    return call.work.get("subscription", call.id)


@router.add(
    "POST",
    "/v1/subscriptions/{id}",
    _SHARED.plus(pause_collection=_PAUSE_COLLECTION, items=Many(_ITEM), payment_behavior=_BEHAVIOR),
)
def update(call: Call) -> Doc:
    """Change a subscription."""
    work, params = call.work, call.params
    subscription = work.get("subscription", call.id)
    if subscription["status"] in lifecycle.ENDED:
        text = "A canceled subscription can only update its cancellation_details and metadata."
        if set(params) - {"metadata", "expand"}:
            raise invalid_request(text)
    subscription.update(
        given(
            params, "description", "cancel_at_period_end", "collection_method", "days_until_due", "cancel_at"
        )
    )
    _apply(work, subscription, params)
    if "cancel_at_period_end" in params:
        subscription["canceled_at"] = work.now if params["cancel_at_period_end"] else None
        subscription["cancel_at"] = (
            current_period(subscription)[1] if params["cancel_at_period_end"] else None
        )
        subscription["cancellation_details"]["reason"] = (
            "cancellation_requested" if params["cancel_at_period_end"] else None
        )
    elif params.get("cancel_at"):
        work.plan("cancel_at", subscription["id"], params["cancel_at"])
    _change_items(work, subscription, params)
    _pause_collection(work, subscription, params)
    _end_trial(work, subscription, params)
    tell_change(work, "customer.subscription.updated", subscription)
    return subscription


@router.add(
    "GET",
    "/v1/subscriptions",
    listing(customer=TEXT, price=TEXT, status=TEXT, collection_method=TEXT, created=RANGE, test_clock=TEXT),
)
def list_subscriptions(call: Call) -> Doc:
    """Subscriptions, newest first; canceled ones only when asked for."""
    params = call.params
    where: dict[str, Any] = given(params, "customer", "collection_method", "test_clock")
    status = params.get("status")
    if status == "ended":
        where["ended_at"] = ("IS NOT", None)
    elif status is None:
        where["status"] = ("<>", "canceled")
    elif status != "all":
        where["status"] = status
    if "price" in params:
        where["items.data[0].price.id"] = params["price"]
    return page(call.work, "subscription", "/v1/subscriptions", params, where)


@router.add("GET", "/v1/subscription_items", listing("subscription", subscription=TEXT))
def list_items(call: Call) -> Doc:
    """The items of one subscription."""
    subscription = call.work.get("subscription", call.params["subscription"], "subscription")
    return slice_page(subscription["items"]["data"], "/v1/subscription_items", call.params)


@router.add("GET", "/v1/subscription_items/{id}", request())
def retrieve_item(call: Call) -> Doc:
    """One item."""
    for subscription in call.work.select("subscription"):
        for item in subscription["items"]["data"]:
            if item["id"] == call.id:
                return dict(item)
    return call.work.get("subscription_item", call.id)


def _priced(work: Work, item: Params, index: int) -> tuple[Doc, int]:
    data = item.get("price_data")
    if data:
        product = work.live("product", data["product"], f"items[{index}][price_data][product]")
        amount = data.get("unit_amount") or 0
        price = create_price(work, product["id"], data["currency"].lower(), amount, data["recurring"])
    elif item.get("price"):
        price = work.live("price", item["price"], f"items[{index}][price]")
    else:
        raise invalid_parameter(
            "Missing required param: items[0][price].", f"items[{index}][price]", "parameter_missing"
        )
    if price["recurring"] is None:
        text = f"The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`: {price['id']}"
        raise invalid_parameter(text, f"items[{index}][price]")
    return price, item.get("quantity", 1)


def _apply(work: Work, subscription: Doc, params: Params) -> None:
    if "default_payment_method" in params:
        if params["default_payment_method"]:
            own_method(
                work, subscription["customer"], params["default_payment_method"], "default_payment_method"
            )
        subscription["default_payment_method"] = params["default_payment_method"]
    subscription["metadata"] = merge_labels(subscription["metadata"], params.get("metadata"))
    subscription["payment_settings"].update(params.get("payment_settings") or {})
    if params.get("trial_settings"):
        subscription["trial_settings"] = params["trial_settings"]
    if subscription["collection_method"] == "send_invoice" and subscription["days_until_due"] is None:
        text = "If collection_method is set to send_invoice, you must also set days_until_due."
        raise invalid_parameter(text, "days_until_due", "parameter_missing")


def _first_period(work: Work, subscription: Doc, params: Params) -> None:
    trial_end = params.get("trial_end")
    if params.get("trial_period_days"):
        trial_end = work.now + params["trial_period_days"] * DAY
    start = params.get("backdate_start_date") or work.now
    subscription["start_date"] = start
    anchor = (params.get("billing_cycle_anchor") or {}).get("timestamp")
    if isinstance(trial_end, int) and trial_end > work.now:
        subscription.update(
            status="trialing", trial_start=work.now, trial_end=trial_end, billing_cycle_anchor=trial_end
        )
        set_period(subscription, work.now, trial_end)
    elif anchor is not None:
        subscription.update(
            billing_cycle_anchor=anchor, _starts_unbilled=params.get("proration_behavior") == "none"
        )
        set_period(subscription, start, anchor)
    else:
        subscription["billing_cycle_anchor"] = start
        end = end_for(subscription, start)
        while end <= work.now:
            start, end = end, end_for(subscription, end)
        set_period(subscription, start, end)


def _bill_first_period(work: Work, subscription: Doc, params: Params) -> None:
    start, end = current_period(subscription)
    work.plan("renew", subscription["id"], end)
    invoice = bill_period(work, subscription, start, end, "subscription_create")
    subscription["status"] = "incomplete" if invoice["amount_due"] else "active"
    finalize(work, invoice)
    if subscription["collection_method"] == "send_invoice":
        subscription["status"] = "active"
    elif invoice["status"] == "open":
        work.plan("expire", subscription["id"], work.now + 23 * 3600)
        if params.get("payment_behavior") != "default_incomplete":
            attempt = collect(
                work,
                invoice,
                resolve_method(work, invoice),
                automatic=True,
                on_session=not params.get("off_session", False),
            )
            if params.get("payment_behavior") == "error_if_incomplete" and attempt.error is not None:
                error = attempt.error
                raise invalid_request(error["message"], code=error["code"])
    tell_change(work, "customer.subscription.updated", subscription)


def _change_items(work: Work, subscription: Doc, params: Params) -> None:
    entries = {item["id"]: item for item in subscription["items"]["data"]}
    for index, change in enumerate(params.get("items") or []):
        item = entries.get(change.get("id") or "")
        if item is None:
            text = "The sandbox changes the items a subscription has; it does not add any."
            raise invalid_parameter(text, f"items[{index}][id]")
        item["quantity"] = change.get("quantity", item["quantity"])
        if change.get("price"):
            price = work.live("price", change["price"], f"items[{index}][price]")
            item["price"] = {key: value for key, value in price.items() if not key.startswith("_")}


def _pause_collection(work: Work, subscription: Doc, params: Params) -> None:
    if "pause_collection" not in params:
        return
    paused = params["pause_collection"]
    subscription["pause_collection"] = (
        {"behavior": paused["behavior"], "resumes_at": paused.get("resumes_at")} if paused else None
    )
    work.unplan("uncollect", subscription["id"])
    if paused and paused.get("resumes_at"):
        work.plan("uncollect", subscription["id"], paused["resumes_at"])


def _end_trial(work: Work, subscription: Doc, params: Params) -> None:
    trial_end = params.get("trial_end")
    if trial_end is None or subscription["status"] != "trialing":
        return
    end = work.now if trial_end == "now" else max(int(trial_end), work.now)
    subscription.update(trial_end=end, billing_cycle_anchor=end)
    set_period(subscription, current_period(subscription)[0], end)
    work.plan("renew", subscription["id"], end)
