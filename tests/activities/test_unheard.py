"""What no webhook and no error tells, and the guard must know all the same: Stripe's charges are read."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from stripe import CardError

from activities._collecting import Collector
from activities.complaints import DISPUTE_OPENED, has_complained, hear_complaints
from activities.contracts import AttemptOrder, AttemptReport
from recoup.billing import ChargeState
from recoup.rules.case import AttemptState, Case, Outcome, Trigger
from recoup.rules.declines import forbidden, read
from tests.activities.conftest import Desk


def attempt_with_cap(desk: Desk, case: Case, cap: int) -> AttemptReport:
    """An attempt where the operator allows so many on one card."""
    collector = Collector(desk.stripe, desk.ledger, desk.clock, cap=cap)
    order = AttemptOrder(**desk.common(case, "r1"), trigger=Trigger.SCHEDULE, due=case.due)
    report: AttemptReport = desk.run(collector.collect, order)
    return report


def tried_for_another_debt(desk: Desk, times: int) -> None:
    """The customer's card is refused so often for another invoice, and no webhook tells of it."""
    api, who = desk.stripe.v1, desk.customers["empty"]
    other = api.invoices.create({"customer": who["customer"], "currency": "eur", "auto_advance": False})
    item = {"customer": who["customer"], "invoice": other.id, "amount": 500, "currency": "eur"}
    api.invoice_items.create(item)
    api.invoices.finalize_invoice(other.id, {"auto_advance": False})
    for number in range(times):
        with suppress(CardError):
            key = {"idempotency_key": f"{other.id}/{number}"}
            api.invoices.pay(other.id, {"payment_method": who["payment_method"]}, key)


def dispute_a_payment(desk: Desk, key: str) -> str:
    """The customer pays something else and disputes it; the charge."""
    api, customer = desk.stripe.v1, desk.customers[key]["customer"]
    method = api.payment_methods.attach("pm_card_visa", {"customer": customer})
    other = api.invoices.create({"customer": customer, "currency": "usd", "auto_advance": False})
    api.invoice_items.create({"customer": customer, "invoice": other.id, "amount": 500, "currency": "usd"})
    api.invoices.finalize_invoice(other.id, {"auto_advance": False})
    api.invoices.pay(other.id, {"payment_method": method.id})
    charge = next(
        each for each in api.charges.list({"customer": customer}).data if each.status == "succeeded"
    )
    desk.sandbox.control("disputes", {"charge": charge.id})
    return str(charge.id)


def test_what_a_card_saw_for_other_debts_counts_without_webhooks(desk: Desk) -> None:
    """While Recoup was off Stripe tried the card for two debts: the attempt at one of them counts those at the other."""
    case = desk.take_up("empty")
    tried_for_another_debt(desk, 2)
    report = attempt_with_cap(desk, case, cap=3)
    assert report.state is AttemptState.SKIPPED
    assert report.not_before is not None
    assert desk.sandbox.pays(case.invoice) == []
    assert attempt_with_cap(desk, case, cap=4).state is AttemptState.DECLINED


def test_a_block_that_only_the_charge_tells_of_is_final(desk: Desk) -> None:
    """A rule of Stripe's stopped our attempt, and the error says no more than "declined": the charge is read, and the card left alone."""
    api, customer = desk.stripe.v1, desk.customers["empty"]["customer"]
    case = desk.take_up("empty")
    token = {"type": "card", "card": {"token": "tok_world_ruled_out"}}
    method = api.payment_methods.attach(api.payment_methods.create(token).id, {"customer": customer})
    api.customers.update(customer, {"invoice_settings": {"default_payment_method": method.id}})
    report = desk.attempt(case, trigger=Trigger.CARD_UPDATE)
    assert report.decline is not None
    assert not read(report.decline).may_retry
    assert forbidden(report.decline)
    again = desk.attempt(case, "r2", Trigger.MANUAL)
    assert (again.state, again.not_before) == (AttemptState.SKIPPED, None)
    assert len(desk.sandbox.pays(case.invoice)) == 1


def test_a_dispute_is_heard_without_its_webhook(desk: Desk) -> None:
    """The customer disputed an earlier payment while nobody listened: it shows on the charge, and the debt is left alone."""
    case = desk.take_up("short")
    paid = dispute_a_payment(desk, "short")
    report = desk.attempt(case)
    assert (report.state, report.ended) == (AttemptState.SKIPPED, Outcome.CLOSED_DISPUTED)
    assert desk.sandbox.pays(case.invoice) == []
    told = [each for each in desk.ledger.events.of_customer(case.customer) if each.kind == DISPUTE_OPENED]
    assert [event.data["charge"] for event in told] == [paid]


def test_an_attempt_without_an_answer_hears_it_too(desk: Desk) -> None:
    """Disputed after the first request was lost: its key is not sent again."""
    case = desk.take_up("short")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path="/v1/invoices/*/pay", count=3)
    assert desk.attempt(case, tries=9).state is AttemptState.UNKNOWN
    sent = len(desk.sandbox.pays(case.invoice))
    dispute_a_payment(desk, "short")
    desk.settle(case, 1)
    assert len(desk.sandbox.pays(case.invoice)) == sent


@pytest.mark.parametrize(("days", "heard"), [(2, True), (4, False)])
def test_an_old_dispute_is_history(desk: Desk, days: int, *, heard: bool) -> None:
    """Read or told, a dispute counts from three days before the failure on."""
    case, now = desk.take_up("short"), desk.clock.now()
    opened = SimpleNamespace(id="du_1", created=int((now - timedelta(days=days)).timestamp()))
    disputes = SimpleNamespace(list=lambda _: SimpleNamespace(data=[opened]))
    stripe: Any = SimpleNamespace(v1=SimpleNamespace(disputes=disputes))
    charge = ChargeState(id="ch_1", status="succeeded", at=now, disputed=True)
    hear_complaints(stripe, desk.ledger, case.invoice, case.customer, [charge], now, now)
    assert has_complained(desk.ledger, case.invoice, case.customer) is heard
