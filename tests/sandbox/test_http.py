"""How requests and answers are written: keys, versions, parameters, errors, expansion, pages."""

from __future__ import annotations

import urllib.error
import urllib.request
from typing import Any

import pytest
import stripe

from tests.sandbox.stage import Stage


def refused(stage: Stage, method: str, path: str, **params: Any) -> stripe.InvalidRequestError:
    """The refusal of a raw request."""
    with pytest.raises(stripe.InvalidRequestError) as caught:
        stage.stripe.raw_request(method, path, **params)
    return caught.value


@pytest.mark.parametrize("key", ["sk_live_1234567890", "nonsense", "sk_test_"])
def test_a_wrong_key_is_refused(stage: Stage, key: str) -> None:
    """Only test keys are accepted, and the refusal does not repeat the whole key."""
    with pytest.raises(stripe.AuthenticationError) as caught:
        stage.client(key).v1.customers.list()
    assert caught.value.http_status == 401
    assert len(key) < 12 or key not in str(caught.value)


def test_another_api_version_is_refused(stage: Stage) -> None:
    """A request in another version than the sandbox's is a 400 that names both, unless the switch accepts it."""
    with pytest.raises(stripe.InvalidRequestError, match="2024-06-20"):
        stage.client(stripe_version="2024-06-20").v1.customers.list()
    stage.switch(old_versions="accepted")
    assert stage.client(stripe_version="2024-06-20").v1.customers.list().data == []


def test_an_unknown_path_is_a_404(stage: Stage) -> None:
    """An endpoint that the sandbox does not have says so."""
    assert refused(stage, "get", "/v1/unicorns").http_status == 404
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(f"{stage.url}/v1/customers")  # noqa: S310  own address
    assert caught.value.code == 401
    caught.value.close()


def test_an_unknown_parameter_is_named(stage: Stage) -> None:
    """A parameter that an endpoint does not have is refused by its whole name, nested ones too."""
    problem = refused(stage, "post", "/v1/customers", invoice_settings={"default_card": "x"})
    assert (problem.code, problem.param) == ("parameter_unknown", "invoice_settings[default_card]")


@pytest.mark.parametrize(
    ("path", "params", "code", "param"),
    [
        ("/v1/prices", {"currency": "eur", "product": "prod_x"}, "parameter_missing", "unit_amount"),
        ("/v1/subscriptions", {"customer": "cus_x"}, "parameter_missing", "items"),
        (
            "/v1/subscriptions",
            {"customer": "cus_x", "items": [{"price": "p"}]},
            "resource_missing",
            "customer",
        ),
        (
            "/v1/invoices",
            {"customer": "cus_x", "days_until_due": "soon"},
            "parameter_invalid_integer",
            "days_until_due",
        ),
        ("/v1/invoices", {"customer": "cus_x", "auto_advance": "maybe"}, None, "auto_advance"),
        ("/v1/payment_methods", {"type": "cash"}, None, "type"),
        (
            "/v1/setup_intents",
            {"payment_method_types": ["card"]},
            "payment_method_types_no_longer_supported",
            "payment_method_types[0]",
        ),
    ],
)
def test_bad_parameters(
    stage: Stage, path: str, params: dict[str, Any], code: str | None, param: str
) -> None:
    """Missing, mistyped and dangling parameters are 400s that say which and why."""
    problem = refused(stage, "post", path, **params)
    assert (problem.http_status, problem.code) == (400, code)
    assert str(problem.param).startswith(param.removesuffix("[0]"))


def test_a_missing_object_is_a_404(stage: Stage) -> None:
    """Reading what is not there is resource_missing with status 404, of another type's id as well."""
    customer = stage.customer(None)
    for path in ("/v1/customers/cus_nobody", f"/v1/invoices/{customer.id}"):
        problem = refused(stage, "get", path)
        assert (problem.http_status, problem.code) == (404, "resource_missing")


def test_metadata_merges(stage: Stage) -> None:
    """Metadata keys are added and replaced; empty ones go; an empty map removes all."""
    customer = stage.api.customers.create({"metadata": {"a": "1", "b": "2"}})
    update = stage.api.customers.update
    assert update(customer.id, {"metadata": {"b": "3", "c": "4"}}).to_dict()["metadata"] == {
        "a": "1",
        "b": "3",
        "c": "4",
    }
    assert update(customer.id, {"metadata": {"a": ""}}).to_dict()["metadata"] == {"b": "3", "c": "4"}
    assert update(customer.id, {"metadata": ""}).to_dict()["metadata"] == {}


def test_expansion(stage: Stage) -> None:
    """Ids become objects along nested paths and through lists; what cannot be expanded, or lies too deep, is refused."""
    subscription = stage.subscription(stage.customer().id)
    expanded = stage.api.subscriptions.retrieve(
        subscription.id,
        {
            "expand": [
                "latest_invoice.payments.data.payment.payment_intent",
                "customer.invoice_settings.default_payment_method",
            ]
        },
    ).to_dict()
    payment = expanded["latest_invoice"]["payments"]["data"][0]["payment"]
    assert payment["payment_intent"]["status"] == "succeeded"
    assert expanded["customer"]["invoice_settings"]["default_payment_method"]["object"] == "payment_method"
    listed = stage.api.subscriptions.list({"expand": ["data.customer"]})
    assert listed.data[0].to_dict()["customer"]["object"] == "customer"
    with pytest.raises(stripe.InvalidRequestError, match="cannot be expanded"):
        stage.api.subscriptions.retrieve(subscription.id, {"expand": ["status"]})
    with pytest.raises(stripe.InvalidRequestError, match="more than 4 levels"):
        stage.api.subscriptions.retrieve(subscription.id, {"expand": ["a.b.c.d.e"]})


def test_what_is_not_expanded_is_not_there(stage: Stage) -> None:
    """An invoice shows its payments only when they are asked for, and never the fields that basil removed."""
    subscription = stage.subscription(stage.customer().id)
    invoice = stage.latest_invoice(subscription.id).to_dict()
    assert not {"payments", "payment_intent", "charge", "subscription", "paid"} & invoice.keys()
    assert not {"current_period_start", "current_period_end"} & subscription.to_dict().keys()
    assert not [key for key in invoice if key.startswith("_")]


def test_pages(stage: Stage) -> None:
    """Lists come newest first, in pages with cursors both ways, and the SDK's iteration reaches every object once."""
    made = [stage.api.customers.create({"name": str(number)}).id for number in range(7)]
    first = stage.api.customers.list({"limit": 3})
    assert ([entry.id for entry in first.data], first.has_more) == (made[:3:-1], True)
    last = stage.api.customers.list({"limit": 4, "starting_after": first.data[-1].id})
    assert ([entry.id for entry in last.data], last.has_more) == (made[3::-1], False)
    back = stage.api.customers.list({"limit": 2, "ending_before": made[3]})
    assert ([entry.id for entry in back.data], back.has_more) == ([made[5], made[4]], True)
    assert [entry.id for entry in stage.api.customers.list({"limit": 2}).auto_paging_iter()] == made[::-1]
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.customers.list({"starting_after": "cus_nobody"})


def test_created_filters(stage: Stage) -> None:
    """Lists can be narrowed to a moment or a range of creation."""
    early = stage.api.customers.create({})
    stage.forward(days=1)
    late = stage.api.customers.create({})
    found = stage.api.customers.list({"created": {"gt": early.created, "lte": late.created}})
    assert [entry.id for entry in found.data] == [late.id]
    assert [entry.id for entry in stage.api.customers.list({"created": early.created}).data] == [early.id]


def test_invoices_can_be_filtered(stage: Stage) -> None:
    """Invoices by subscription and status, and the invoice of a PaymentIntent through its InvoicePayment."""
    subscription, invoice = stage.failed_renewal()
    stage.failed_renewal()
    found = stage.api.invoices.list({"subscription": subscription.id, "status": "open"})
    assert [entry.id for entry in found.data] == [invoice.id]
    intent = stage.intent(invoice.id)["id"]
    payments = stage.api.invoice_payments.list(
        {"payment": {"type": "payment_intent", "payment_intent": intent}}
    )
    assert [entry.invoice for entry in payments.data] == [invoice.id]


def test_canceled_subscriptions_are_listed_only_when_asked_for(stage: Stage) -> None:
    """Without a status filter canceled subscriptions are left out."""
    subscription = stage.subscription(stage.customer().id)
    stage.api.subscriptions.cancel(subscription.id)
    assert stage.api.subscriptions.list().data == []
    for status in ("canceled", "all", "ended"):
        assert [entry.id for entry in stage.api.subscriptions.list({"status": status}).data] == [
            subscription.id
        ]


def test_requests_are_logged(stage: Stage) -> None:
    """The control API tells every call of the API, with its key, its status and the virtual time."""
    stage.api.customers.create({}, {"idempotency_key": "k"})
    stage.api.customers.create({}, {"idempotency_key": "k"})
    log = stage.control("GET", "requests")
    assert [(row["method"], row["path"], row["key"], row["status"], row["replayed"]) for row in log] == [
        ("POST", "/v1/customers", "k", 200, 0),
        ("POST", "/v1/customers", "k", 200, 1),
    ]
    assert stage.control("GET", f"requests?since={log[0]['id']}") == log[1:]
