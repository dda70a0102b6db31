"""Idempotency keys: one request, one effect, one answer."""

from __future__ import annotations

import threading
from typing import Any

import pytest
import stripe

from tests.sandbox.stage import Stage


def pay(stage: Stage, invoice: str, key: str, **params: Any) -> Any:
    """Pay with a key; what came back, be it an invoice or an error."""
    try:
        return stage.api.invoices.pay(invoice, params, {"idempotency_key": key})  # type: ignore[arg-type]
    except stripe.StripeError as error:
        return error


def test_a_decline_is_replayed_without_another_charge(stage: Stage) -> None:
    """The same key gives the same decline again, marked as replayed, and no second charge."""
    subscription, invoice = stage.failed_renewal()
    first = pay(stage, invoice.id, "a")
    stage.use_card(str(subscription.customer), "pm_card_visa")
    second = pay(stage, invoice.id, "a")
    assert isinstance(second, stripe.CardError)
    assert second.json_body == first.json_body
    assert second.headers is not None
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert stage.books()[invoice.id]["failed_charges"] == 2
    assert pay(stage, invoice.id, "b").status == "paid"


def test_a_success_is_replayed(stage: Stage) -> None:
    """The same key gives the paid invoice again instead of saying that it is paid already."""
    subscription, invoice = stage.failed_renewal()
    stage.use_card(str(subscription.customer), "pm_card_visa")
    assert [pay(stage, invoice.id, "a").status for _ in range(2)] == ["paid", "paid"]
    assert len(stage.books()[invoice.id]["successful_charges"]) == 1


def test_other_parameters_or_another_endpoint_are_refused(stage: Stage) -> None:
    """A key belongs to its endpoint and its parameters."""
    stage.switch(retry_days=[90])
    _, elsewhere = stage.failed_renewal()
    _, invoice = stage.failed_renewal()
    pay(stage, invoice.id, "a")
    for other in (
        pay(stage, invoice.id, "a", off_session=False),
        pay(stage, elsewhere.id, "a"),
    ):
        assert isinstance(other, stripe.IdempotencyError)
        assert other.http_status == 400
    assert stage.books()[invoice.id]["failed_charges"] == 2


def test_while_the_first_request_runs_the_key_is_in_use(stage: Stage) -> None:
    """A second request with the key of one that still runs is a 409; the SDK's retries then get the first one's answer."""
    subscription, invoice = stage.failed_renewal()
    stage.use_card(str(subscription.customer), "pm_card_visa")
    stage.switch(issuer_seconds=0.6)
    impatient = stage.client(max_network_retries=0).v1
    answers: list[Any] = []

    def pay_now() -> None:
        try:
            answers.append(impatient.invoices.pay(invoice.id, {}, {"idempotency_key": "a"}).status)
        except stripe.StripeError as error:
            answers.append((error.http_status, error.error and error.error.code))

    threads = [threading.Thread(target=pay_now) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(answers) == {"paid", (409, "idempotency_key_in_use")}
    assert pay(stage, invoice.id, "a").status == "paid"


def test_a_request_that_fails_validation_is_not_stored(stage: Stage) -> None:
    """After a mistyped parameter the same key can be used for the right request."""
    customers = stage.api.customers
    mistyped: Any = {"emial": "x"}
    with pytest.raises(stripe.InvalidRequestError, match="unknown parameter"):
        customers.create(mistyped, {"idempotency_key": "a"})
    assert customers.create({"email": "x@example.com"}, {"idempotency_key": "a"}).email == "x@example.com"


def test_what_execution_refuses_is_stored(stage: Stage) -> None:
    """A refusal of the request itself, such as paying a void invoice, is replayed too."""
    _, invoice = stage.failed_renewal()
    stage.api.invoices.void_invoice(invoice.id)
    assert isinstance(pay(stage, invoice.id, "a"), stripe.InvalidRequestError)
    assert pay(stage, invoice.id, "a").headers["Idempotent-Replayed"] == "true"


@pytest.mark.parametrize(("pruned", "charges"), [("on", 3), ("off", 2)])
def test_keys_are_forgotten_after_a_day(stage: Stage, pruned: str, charges: int) -> None:
    """Switch prune_idempotency_keys: after 24 virtual hours a key is a new request, or is remembered for good."""
    stage.switch(prune_idempotency_keys=pruned, retry_days=[60])
    _, invoice = stage.failed_renewal()
    pay(stage, invoice.id, "a")
    stage.forward(hours=23)
    pay(stage, invoice.id, "a")
    assert stage.books()[invoice.id]["failed_charges"] == 2
    stage.forward(hours=2)
    pay(stage, invoice.id, "a")
    assert stage.books()[invoice.id]["failed_charges"] == charges


def test_a_key_of_more_than_255_characters_is_refused(stage: Stage) -> None:
    """Keys have at most 255 characters."""
    stage.api.customers.create({}, {"idempotency_key": "k" * 255})
    with pytest.raises(stripe.IdempotencyError):
        stage.api.customers.create({}, {"idempotency_key": "k" * 256})


def test_keys_count_for_post_alone(stage: Stage) -> None:
    """A GET with a key is answered afresh every time."""
    customer = stage.api.customers.create({"name": "A"})
    options: Any = {"idempotency_key": "g"}
    assert stage.api.customers.retrieve(customer.id, {}, options).name == "A"
    stage.api.customers.update(customer.id, {"name": "B"})
    assert stage.api.customers.retrieve(customer.id, {}, options).name == "B"
