"""Products and prices."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc, invalid_parameter
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import (
    FLAG,
    LABELS,
    RANGE,
    TEXT,
    Fields,
    Kind,
    Text,
    Whole,
    listing,
    merge_labels,
    request,
)
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.objects.subscriptions import create_price, create_product
from recoup.sandbox.webhooks import tell, tell_change

INTERVAL = Text("day", "week", "month", "year")
RECURRING = Fields(("interval",), interval=INTERVAL, interval_count=Whole(1, 1095))
_PRODUCT: dict[str, Kind] = {
    "name": TEXT,
    "description": TEXT,
    "active": FLAG,
    "metadata": LABELS,
    "unit_label": TEXT,
    "url": TEXT,
}


@router.add("POST", "/v1/products", request("name", **_PRODUCT, id=TEXT))
def create_a_product(call: Call) -> Doc:
    """A new product."""
    fields = given(call.params, "id", "description", "active", "unit_label", "url")
    fields["metadata"] = merge_labels({}, call.params.get("metadata"))
    product = create_product(call.work, call.params["name"], **fields)
    tell(call.work, "product.created", product)
    return product


@router.add("GET", "/v1/products/{id}", request())
def retrieve_product(call: Call) -> Doc:
    """One product."""
    return call.work.live("product", call.id)


@router.add("POST", "/v1/products/{id}", request(**_PRODUCT))
def update_product(call: Call) -> Doc:
    """Change a product."""
    product = call.work.live("product", call.id)
    product.update(given(call.params, "name", "description", "active", "unit_label", "url"))
    product["metadata"] = merge_labels(product["metadata"], call.params.get("metadata"))
    product["updated"] = call.work.now
    tell_change(call.work, "product.updated", product)
    return product


@router.add("GET", "/v1/products", listing(active=FLAG, created=RANGE))
def list_products(call: Call) -> Doc:
    """Products, newest first."""
    return page(call.work, "product", "/v1/products", call.params, given(call.params, "active"))


@router.add(
    "POST",
    "/v1/prices",
    request(
        "currency",
        currency=TEXT,
        unit_amount=Whole(0, 99_999_999),
        product=TEXT,
        product_data=Fields(("name",), name=TEXT, metadata=LABELS),
        recurring=RECURRING,
        nickname=TEXT,
        lookup_key=TEXT,
        metadata=LABELS,
    ),
)
def create_a_price(call: Call) -> Doc:
    """A new price, for a product there is or one made for it."""
    params, work = call.params, call.work
    if params.get("unit_amount") is None:
        raise invalid_parameter("Missing required param: unit_amount.", "unit_amount", "parameter_missing")
    if params.get("product_data"):
        product = create_product(work, params["product_data"]["name"])
        tell(work, "product.created", product)
    elif params.get("product"):
        product = work.live("product", params["product"], "product")
    else:
        raise invalid_parameter("Missing required param: product.", "product", "parameter_missing")
    extra = given(params, "nickname", "lookup_key")
    extra["metadata"] = merge_labels({}, params.get("metadata"))
    currency = params["currency"].lower()
    price = create_price(
        work, product["id"], currency, params["unit_amount"], params.get("recurring"), **extra
    )
    tell(work, "price.created", price)
    return price


@router.add("GET", "/v1/prices/{id}", request())
def retrieve_price(call: Call) -> Doc:
    """One price."""
    return call.work.live("price", call.id)


@router.add("POST", "/v1/prices/{id}", request(active=FLAG, nickname=TEXT, lookup_key=TEXT, metadata=LABELS))
def update_price(call: Call) -> Doc:
    """Change what may be changed of a price."""
    price = call.work.live("price", call.id)
    price.update(given(call.params, "active", "nickname", "lookup_key"))
    price["metadata"] = merge_labels(price["metadata"], call.params.get("metadata"))
    tell_change(call.work, "price.updated", price)
    return price


@router.add("GET", "/v1/prices", listing(active=FLAG, product=TEXT, currency=TEXT, created=RANGE))
def list_prices(call: Call) -> Doc:
    """Prices, newest first."""
    where = given(call.params, "active", "product", "currency")
    return page(call.work, "price", "/v1/prices", call.params, where)
