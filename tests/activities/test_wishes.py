"""Wishes of customers over the sandbox: what Stripe is asked for, once, and what a cancellation stops and gives back."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from activities.contracts import AttemptReport
from activities.customer_words import CUSTOMER_CANCELLED, CUSTOMER_PROMISED, WISH_FULFILLED, WISH_REFUSED
from activities.wish_contracts import NotePromise, PromiseToPay, Wish, WishKind, WishResult
from activities.wishes import Wishes
from recoup.rules.base import Wire
from recoup.rules.case import AttemptState, Case, Outcome, Trigger
from recoup.rules.customer_page import CancelWhen
from recoup.rules.policy import RacedPayments
from tests.activities.conftest import Desk


@dataclass
class Told:
    """A gateway that remembers which cases were told what."""

    cases: list[tuple[str, str]] = field(default_factory=list)

    async def tell(self, case: str, signal: str, payload: Wire) -> bool:
        self.cases.append((case, signal))
        return True


def wishes_of(desk: Desk, told: Told, raced: RacedPayments = RacedPayments.REFUND) -> Wishes:
    """The activities over the desk's parts."""
    return Wishes(desk.stripe, desk.ledger, desk.clock, cast(Any, told), raced)


def a_wish(desk: Desk, case: Case, kind: WishKind = WishKind.CANCEL, **more: Any) -> Wish:
    """A wish about the subscription of a case."""
    at = desk.clock.now()
    return Wish(kind=kind, customer=case.customer, subscription=str(case.subscription), at=at, **more)


async def stopped(desk: Desk, case: Case, told: Told | None = None) -> Wish:
    """The customer has cancelled, and the cases have been stopped; Stripe has not heard of it yet."""
    wish = a_wish(desk, case)
    await desk.run(wishes_of(desk, told or Told()).stop_cases, wish)
    return wish


async def test_a_cancellation_stops_everything_before_stripe_hears_of_it(desk: Desk) -> None:
    """The case is told; an attempt, a message and a suspension that come all the same find the customer's word and do nothing."""
    case, told = desk.take_up("short"), Told()
    await stopped(desk, case, told)
    assert told.cases == [(case.id, "cancelled_by_customer")]
    assert desk.stripe.v1.subscriptions.retrieve(str(case.subscription)).status == "past_due"
    attempt = desk.attempt(case)
    message = desk.run(desk.messages.send, desk.message(case))
    suspension = desk.run(desk.access.suspend, desk.access_order(case))
    assert {attempt.ended, message.ended, suspension.ended} == {Outcome.LOST_CANCELLED_BY_CUSTOMER}
    assert desk.sandbox.books(case.invoice)["successful_charges"] == []
    assert desk.outbox.list() == []


async def test_an_attempt_that_was_only_reserved_is_not_sent_any_more(desk: Desk) -> None:
    """The customer cancels between the reservation and the sending: the last look sees it, and Stripe is never asked."""
    case = desk.take_up("short")
    reserve = desk.ledger.attempts.reserve
    cancelled = False

    def reserved(*arguments: Any, **more: Any) -> Any:
        nonlocal cancelled
        row = reserve(*arguments, **more)
        _written(desk, case)
        cancelled = True
        return row

    desk.ledger.attempts.reserve = reserved  # type: ignore[method-assign]
    report = desk.attempt(case)
    assert cancelled
    assert (report.state, report.ended) == (AttemptState.SKIPPED, Outcome.LOST_CANCELLED_BY_CUSTOMER)
    assert desk.sandbox.books(case.invoice)["successful_charges"] == []


@pytest.mark.parametrize("raced", list(RacedPayments))
def test_a_charge_that_was_made_after_the_word_is_flagged_and_given_back_as_the_policy_says(
    desk: Desk, raced: RacedPayments
) -> None:
    """Cancelled after the last read and before the charge: the ledger has the flag, and the money goes back if it shall."""
    loaded = desk.payments.policy
    policy = loaded.policy.model_copy(update={"raced_payments": raced})
    desk.payments.policy = loaded.model_copy(update={"policy": policy})
    case = desk.take_up("short")
    report = _attempt(desk, case)
    refunds = raced is RacedPayments.REFUND
    outcome = Outcome.LOST_CANCELLED_BY_CUSTOMER if refunds else None
    assert (report.state, report.ended) == (AttemptState.PAID, outcome)
    assert [each["amount"] for each in desk.sandbox.books(case.invoice)["refunds"]] == [4900] * refunds
    (flag,) = [each for each in desk.ledger.events.of_case(case.id) if each.kind == "unwanted_payment"]
    assert flag.data["because"].startswith("the customer cancelled")
    assert flag.data["refunded"] is refunds


async def test_a_charge_that_was_looked_at_before_the_word_stood_in_the_ledger_is_given_back_too(
    desk: Desk,
) -> None:
    """The word is older than the charge and written down after it: stopping the cases looks once more, and only once."""
    case = desk.take_up("short")
    wish = a_wish(desk, case)
    assert desk.attempt(case).state is AttemptState.PAID
    wishes = wishes_of(desk, Told())
    for _ in range(2):
        await desk.run(wishes.stop_cases, wish)
    assert [each["amount"] for each in desk.sandbox.books(case.invoice)["refunds"]] == [4900]


async def test_a_charge_from_before_the_word_is_kept(desk: Desk) -> None:
    """Paid, and cancelled a minute later: nothing is flagged and nothing given back."""
    case = desk.take_up("short")
    assert desk.attempt(case).state is AttemptState.PAID
    desk.sandbox.pass_time(minutes=1)
    await stopped(desk, case)
    assert desk.sandbox.books(case.invoice)["refunds"] == []
    assert [each.kind for each in desk.ledger.events.of_case(case.id)].count("unwanted_payment") == 0


async def test_cancelled_at_once_is_cancelled_once(desk: Desk) -> None:
    """Done twice it is one cancellation, without a last invoice; the open one stays open, and nobody collects it."""
    case = desk.take_up("short")
    wish = await stopped(desk, case)
    first, second = (desk.run(wishes_of(desk, Told()).fulfil, wish) for _ in range(2))
    assert (first.done, first.because) == (True, "the subscription is cancelled")
    assert second.because == "the subscription had ended already"
    assert desk.stripe.v1.subscriptions.retrieve(str(case.subscription)).status == "canceled"
    invoice = desk.stripe.v1.invoices.retrieve(case.invoice)
    assert (invoice.status, invoice.auto_advance) == ("open", False)
    assert _kinds(desk, case).count(CUSTOMER_CANCELLED) == 1


async def test_cancelled_for_the_periods_end_runs_on_and_is_not_collected(desk: Desk) -> None:
    """The subscription ends with its period, and Stripe's own retries of what is open are switched off now."""
    case = desk.take_up("short")
    desk.stripe.v1.invoices.update(case.invoice, {"auto_advance": True})
    wish = a_wish(desk, case, cancel=CancelWhen.PERIOD_END)
    result = desk.run(wishes_of(desk, Told()).fulfil, wish)
    assert result.because == "the subscription ends with its period"
    subscription = desk.stripe.v1.subscriptions.retrieve(str(case.subscription))
    assert (subscription.status, subscription.cancel_at_period_end) == ("past_due", True)
    assert desk.stripe.v1.invoices.retrieve(case.invoice).auto_advance is False


def test_a_pause_makes_no_invoice_and_is_not_made_longer(desk: Desk) -> None:
    """Paused until its day at Stripe, which goes on by itself; asked for again it stays as it was, and restoring leaves it."""
    case = desk.take_up("short")
    until = desk.clock.now() + timedelta(days=30)
    wishes = wishes_of(desk, Told())
    wish = a_wish(desk, case, WishKind.PAUSE, until=until)
    assert desk.run(wishes.fulfil, wish).done
    longer = wish.model_copy(update={"until": until + timedelta(days=30)})
    assert desk.run(wishes.fulfil, longer).because == "the subscription was paused already"
    desk.run(desk.access.suspend, desk.access_order(case))
    desk.run(desk.access.restore, desk.access_order(case))
    paused = desk.stripe.v1.subscriptions.retrieve(str(case.subscription)).to_dict()["pause_collection"]
    assert (paused["behavior"], paused["resumes_at"]) == ("void", int(wish.until.timestamp()))  # type: ignore[union-attr]
    assert desk.stripe.v1.invoices.retrieve(case.invoice).status == "open", "what is open stays owed"


def test_a_smaller_plan_holds_from_the_next_invoice(desk: Desk) -> None:
    """The item has the new price, nothing is prorated or invoiced, the open invoice stays as it is; twice is once."""
    case, small = desk.take_up("short"), _price(desk, 1900)
    result = _switch(desk, case, small)
    assert result.done, result.because
    assert _switch(desk, case, small).because == "the subscription had that plan already"
    subscription = desk.stripe.v1.subscriptions.retrieve(str(case.subscription))
    assert subscription["items"].data[0].price.id == small
    invoices = desk.stripe.v1.invoices.list({"customer": case.customer}).data
    assert [(each.status, each.amount_remaining) for each in invoices if each.id == case.invoice] == [
        ("open", 4900)
    ]
    assert desk.stripe.v1.invoice_items.list({"customer": case.customer}).data == []
    desk.sandbox.pass_time(days=32)
    newest = desk.stripe.v1.invoices.list({"customer": case.customer, "limit": 1}).data[0]
    assert (newest.id != case.invoice, newest.total) == (True, 1900)


@pytest.mark.parametrize(("amount", "interval"), [(4900, "month"), (9900, "month"), (1900, "year")])
def test_what_is_no_smaller_plan_is_refused(desk: Desk, amount: int, interval: str) -> None:
    """As dear, dearer, or of another rhythm, which would be charged at once: nothing changes, and the ledger says why."""
    case = desk.take_up("short")
    before = _price_of(desk, case)
    result = _switch(desk, case, _price(desk, amount, interval))
    assert (result.done, "is not a smaller price" in result.because) == (False, True)
    assert _price_of(desk, case) == before
    assert _kinds(desk, case)[-1] == WISH_REFUSED


@pytest.mark.parametrize("kind", [WishKind.PAUSE, WishKind.SMALLER_PLAN])
def test_what_was_cancelled_meanwhile_is_neither_paused_nor_changed(desk: Desk, kind: WishKind) -> None:
    """The race is told: the subscription has ended."""
    case = desk.take_up("short")
    desk.stripe.v1.subscriptions.cancel(str(case.subscription))
    until = desk.clock.now() + timedelta(days=30)
    wish = a_wish(desk, case, kind, until=until, price="price_x", smaller_price="price_y")
    result = desk.run(wishes_of(desk, Told()).fulfil, wish)
    assert (result.done, result.because) == (False, "the subscription has ended")


def test_a_promise_is_written_down_once_and_survives_a_lost_workflow(desk: Desk) -> None:
    """The ledger has who promised and by when; a case that is begun anew goes on with the promise, and knows if it was used up."""
    case = desk.take_up("empty")
    at = desk.clock.now()
    promise = PromiseToPay(at=at, until=at + timedelta(days=3), operator="ops", reason="on the phone")
    order = NotePromise(case_id=case.id, invoice=case.invoice, customer=case.customer, promise=promise)
    for _ in range(2):
        desk.run(wishes_of(desk, Told()).note_promise, order)
    (event,) = [each for each in desk.ledger.events.of_case(case.id) if each.kind == CUSTOMER_PROMISED]
    assert (event.actor, event.data["because"]) == ("operator/ops", "on the phone")
    again = desk.take_up("empty")
    assert again.promise is not None
    assert (again.promise.until, again.promise.tried) == (promise.until, False)
    desk.sandbox.pass_time(days=3)
    assert desk.attempt(again, trigger=Trigger.PROMISE).state is AttemptState.DECLINED
    used = desk.take_up("empty")
    assert used.promise is not None
    assert used.promise.tried


def test_the_case_takes_the_promises_of_its_policy(desk: Desk) -> None:
    """How many days it may be is the policy's word from the moment at which the case began."""
    loaded = desk.payments.policy
    page = loaded.policy.customer_page.model_copy(update={"promise_days": 9})
    policy = loaded.policy.model_copy(update={"customer_page": page})
    desk.payments.policy = loaded.model_copy(update={"policy": policy})
    assert desk.take_up("short").promise_days == 9


def test_what_became_of_a_wish_stands_in_the_ledger_once(desk: Desk) -> None:
    """The page reads it there; a repeated activity writes nothing more."""
    case = desk.take_up("short")
    wish = a_wish(desk, case)
    for _ in range(2):
        desk.run(wishes_of(desk, Told()).fulfil, wish)
    assert _kinds(desk, case).count(WISH_FULFILLED) == 1


def _written(desk: Desk, case: Case) -> None:
    """The customer's word, as stopping the cases writes it."""
    desk.ledger.events.append(
        CUSTOMER_CANCELLED, desk.clock.now(), case_id=case.id, invoice=case.invoice, customer=case.customer
    )


def _attempt(desk: Desk, case: Case) -> AttemptReport:
    """An attempt during which the customer cancels, after the last read and before the charge."""
    mark_sent = desk.ledger.attempts.mark_sent

    def sent(*arguments: Any) -> Any:
        _written(desk, case)
        return mark_sent(*arguments)

    desk.ledger.attempts.mark_sent = sent  # type: ignore[assignment, method-assign]
    return desk.attempt(case)


def _price(desk: Desk, amount: int, interval: str = "month") -> str:
    product = desk.stripe.v1.products.create({"name": "Solo plan"})
    details: Any = {
        "currency": "usd",
        "unit_amount": amount,
        "product": product.id,
        "recurring": {"interval": interval},
    }
    return str(desk.stripe.v1.prices.create(details).id)


def _price_of(desk: Desk, case: Case) -> str:
    subscription = desk.stripe.v1.subscriptions.retrieve(str(case.subscription))
    return str(subscription["items"].data[0].price.id)


def _switch(desk: Desk, case: Case, smaller: str) -> WishResult:
    wish = a_wish(desk, case, WishKind.SMALLER_PLAN, price=_price_of(desk, case), smaller_price=smaller)
    result: WishResult = desk.run(wishes_of(desk, Told()).fulfil, wish)
    return result


def _kinds(desk: Desk, case: Case) -> list[str]:
    return [each.kind for each in desk.ledger.events.of_customer(case.customer)]
