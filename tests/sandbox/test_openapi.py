"""Every answer of the sandbox has the shape that Stripe's own description and the SDK's types give it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from recoup.sandbox.http.routing import router
from tests.sandbox import sdk_types
from tests.sandbox.newer import NEWER
from tests.sandbox.openapi import Description, Newer, published
from tests.sandbox.recorder import Answered
from tests.sandbox.tour import Tour

ENDPOINTS = [f"{endpoint.method} {endpoint.template}" for endpoint in router.endpoints]


@pytest.fixture(scope="module")
def tour(tmp_path_factory: pytest.TempPathFactory) -> Tour:
    """One tour of all endpoints."""
    return Tour.through(tmp_path_factory.mktemp("tour"))


@pytest.fixture(scope="module")
def description() -> Description:
    """Stripe's description, with what is newer added."""
    return Description(NEWER)


def answers(tour: Tour, endpoint: str) -> Iterator[Answered]:
    """The answers of one endpoint."""
    return (one for one in tour.transport.answers if f"{one.method} {one.template}" == endpoint)


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_answers_as_stripe_describes(
    tour: Tour, description: Description, endpoint: str
) -> None:
    """Each endpoint was called with success, and nothing in its answers contradicts Stripe's OpenAPI description."""
    method, path = endpoint.split()
    assert any(one.status == 200 for one in answers(tour, endpoint)), "the tour never calls it with success"
    found = {
        f"{one.status}: {problem}"
        for one in answers(tour, endpoint)
        for problem in description.problems(method, path, one.status, one.body)
    }
    assert not found


@pytest.mark.parametrize("endpoint", ENDPOINTS)
def test_every_endpoint_answers_in_the_types_of_the_sdk(tour: Tour, endpoint: str) -> None:
    """Each object has every field that the SDK's class requires, in its type, and none that the class does not know."""
    found = {
        problem
        for one in answers(tour, endpoint)
        if one.status == 200
        for problem in sdk_types.problems(one.body)
    }
    assert not found


def test_every_event_carries_an_object_of_the_same_shape(tour: Tour, description: Description) -> None:
    """What an event tells of an object is what the API would answer: nothing is left out of a webhook."""
    events = [event for one in answers(tour, "GET /v1/events") for event in one.body["data"]]
    assert len({event["type"] for event in events}) > 30
    found = {
        f"{event['type']}: {problem}" for event in events for problem in _problems(description, event["data"])
    }
    assert not found


def _problems(description: Description, data: dict[str, Any]) -> list[str]:
    body = data["object"]
    return description.problems_of(body["object"], body) + sdk_types.problems(body)


def test_the_tour_leaves_no_kind_of_answer_out(tour: Tour) -> None:
    """The tour meets every state of a subscription, an invoice and a PaymentIntent that the sandbox can be in."""
    met: dict[str, set[str]] = {}
    for one in tour.transport.answers:
        for body in _objects(one.body):
            met.setdefault(body["object"], set()).add(str(body.get("status")))
    assert met["invoice"] >= {"draft", "open", "paid", "void", "uncollectible"}
    assert met["subscription"] >= {"active", "trialing", "past_due", "paused", "canceled", "incomplete"}
    assert met["payment_intent"] >= {"requires_payment_method", "requires_action", "processing", "succeeded"}
    assert met["setup_intent"] >= {"requires_payment_method", "requires_action", "succeeded", "canceled"}
    assert met["charge"] >= {"succeeded", "failed", "pending"}
    assert met["checkout.session"] >= {"open", "expired"}
    assert met["invoice_payment"] >= {"open", "paid"}


def _objects(body: Any) -> Iterator[dict[str, Any]]:
    if isinstance(body, dict):
        if isinstance(body.get("object"), str):
            yield body
        for value in body.values():
            yield from _objects(value)
    elif isinstance(body, list):
        for value in body:
            yield from _objects(value)


def test_nothing_is_listed_as_newer_in_vain(tour: Tour, description: Description) -> None:
    """Every name listed as newer than the description is missing from it, and met in an answer."""
    assert published()["info"]["version"] == "2026-05-27.dahlia", (
        "a newer description: shorten the list in newer.py"
    )
    for one in tour.transport.answers:
        description.problems(one.method, one.template, one.status, one.body)
    assert description.unused() == set()


INVOICE = {"object": "invoice", "id": "in_1", "status": "open"}


def test_a_wrong_answer_is_found_by_the_description() -> None:
    """A field that is missing, unknown or of another kind is named with its place."""
    plain = Description(Newer())
    found = plain.problems(
        "GET", "/v1/invoices/{id}", 200, {**INVOICE, "charge": "ch_1", "parent": {"type": 3}}
    )
    assert "answer: 'amount_due' is a required property" in found
    assert any("'charge' was unexpected" in problem for problem in found)
    assert any(problem.startswith("parent.type: ") for problem in found)
    assert plain.problems("GET", "/v1/nothing", 200, {}) == ["GET /v1/nothing: there is no such endpoint"]


def test_a_wrong_answer_is_found_by_the_types() -> None:
    """The SDK's types name the same mistakes, in nested objects too."""
    found = sdk_types.problems({**INVOICE, "charge": "ch_1", "amount_due": "5", "parent": {"type": 3}})
    assert {
        "answer.amount_remaining: missing",
        "answer.charge: Invoice has no such field",
        "answer.amount_due: '5' is no int",
    } <= set(found)
    assert any(problem.startswith("answer.parent.type: 3 is no ") for problem in found)


def test_a_useless_exception_is_found() -> None:
    """What stands in the description already, or is never met, is reported."""
    listed = Newer(
        fields={"invoice.total": "known"},
        gone={"charge.id": "still there"},
        values={"charge.status=lost": "never"},
    )
    assert Description(listed).unused() == {"invoice.total", "charge.id", "charge.status=lost"}
