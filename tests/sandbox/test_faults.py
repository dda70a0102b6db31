"""Faults on request: refused, failed and lost answers, and what the SDK makes of them."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from tests.sandbox.stage import Stage

PAY = "/v1/invoices/*/pay"


@pytest.fixture
def payable(stage: Stage) -> str:
    """An open invoice whose customer has a good card."""
    subscription, invoice = stage.failed_renewal()
    stage.use_card(str(subscription.customer), "pm_card_visa")
    return invoice.id


def successes(stage: Stage, invoice: str) -> int:
    """How many charges of the invoice succeeded."""
    return len(stage.books()[invoice]["successful_charges"])


def test_rate_limits(stage: Stage, payable: str) -> None:
    """A 429 does nothing and is not stored; the same key works afterwards."""
    stage.fault("rate_limit", path=PAY, count=1)
    options: Any = {"idempotency_key": "a"}
    with pytest.raises(stripe.RateLimitError):
        stage.api.invoices.pay(payable, {}, options)
    assert successes(stage, payable) == 0
    assert stage.api.invoices.pay(payable, {}, options).status == "paid"


def test_an_error_before_execution_does_nothing(stage: Stage, payable: str) -> None:
    """A 500 before execution is not stored: the SDK's own retry with the same key gets through, and charges once."""
    stage.fault("error_before", path=PAY, count=1)
    assert stage.api.invoices.pay(payable).status == "paid"
    statuses = [row["status"] for row in stage.control("GET", "requests") if row["path"].endswith("/pay")]
    assert statuses == [500, 200]
    assert successes(stage, payable) == 1


def test_an_error_after_execution_is_stored(stage: Stage, payable: str) -> None:
    """A 500 after execution leaves the charge, and its key answers 500 for ever: only reading tells what happened."""
    stage.fault("error_after", path=PAY, count=1)
    with pytest.raises(stripe.APIError) as caught:
        stage.api.invoices.pay(payable, {}, {"idempotency_key": "a"})
    assert caught.value.http_status == 500
    with pytest.raises(stripe.APIError):
        stage.api.invoices.pay(payable, {}, {"idempotency_key": "a"})
    assert stage.api.invoices.retrieve(payable).status == "paid"
    assert successes(stage, payable) == 1


def test_a_lost_answer_is_found_again_by_its_key(stage: Stage, payable: str) -> None:
    """The connection is cut after the charge was made; the SDK's retry gets the stored answer, and there is one charge."""
    stage.fault("lose_answer", path=PAY, count=1)
    assert stage.api.invoices.pay(payable).status == "paid"
    rows = [row for row in stage.control("GET", "requests") if row["path"].endswith("/pay")]
    assert [(row["fault"], row["replayed"]) for row in rows] == [("lose_answer", 0), (None, 1)]
    assert successes(stage, payable) == 1


def test_without_retries_a_lost_answer_is_a_connection_error(stage: Stage, payable: str) -> None:
    """A client that does not retry learns nothing, although the invoice is paid."""
    stage.fault("lose_answer", path=PAY, count=1)
    with pytest.raises(stripe.APIConnectionError):
        stage.client(max_network_retries=0).v1.invoices.pay(payable)
    assert stage.api.invoices.retrieve(payable).status == "paid"


def test_a_refused_connection_does_nothing(stage: Stage, payable: str) -> None:
    """The connection is cut before anything was done."""
    stage.fault("refuse_connection", path=PAY, count=1)
    with pytest.raises(stripe.APIConnectionError):
        stage.client(max_network_retries=0).v1.invoices.pay(payable)
    assert stage.api.invoices.retrieve(payable).status == "open"


def test_answers_can_be_late(stage: Stage) -> None:
    """A delayed request takes so many real seconds."""
    stage.fault("delay", path="/v1/account", seconds=0.3)
    began = time.monotonic()
    stage.stripe.raw_request("get", "/v1/account")
    assert time.monotonic() - began > 0.3


def test_rules_count_what_they_met(stage: Stage) -> None:
    """The count nth picks one matching request, method and path narrow, and the counts tell what happened; deleting ends it all."""
    stage.fault("rate_limit", method="GET", path="/v1/customers", nth=2)
    answers = []
    for _ in range(3):
        try:
            stage.api.customers.list()
            answers.append("ok")
        except stripe.RateLimitError:
            answers.append("429")
    stage.api.customers.create({})
    assert answers == ["ok", "429", "ok"]
    rule = stage.control("GET", "faults")[0]
    assert (rule["met"], rule["hits"]) == (3, 1)
    assert stage.control("DELETE", "faults") == []


@pytest.mark.parametrize(
    ("rule", "complaint"),
    [
        ({"fault": "explode"}, "fault"),
        ({"fault": "drop", "path": "/v1/*"}, "drop is about webhooks"),
        ({"fault": "delay", "event": "invoice.*"}, "delay is about requests"),
        ({"fault": "drop", "colour": "red"}, "colour"),
        ({"fault": "drop", "count": 0}, "count"),
    ],
)
def test_a_rule_that_makes_no_sense_is_refused(stage: Stage, rule: dict[str, Any], complaint: str) -> None:
    """A fault rule with unknown words or a wrong combination is refused with one sentence, and not put in force."""
    assert complaint in stage.control("POST", "faults", rule)["error"]
    assert stage.control("GET", "faults") == []
