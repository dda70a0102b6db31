"""What the other activities do at Stripe, in the ledger, in the mailbox and to the company's backend, once each."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from temporalio.exceptions import ApplicationError

from activities.complaints import DISPUTE_OPENED
from activities.contracts import CardUpdated, CloseOrder, CustomerQuestion, MethodUpdated, TakeUp
from recoup.billing.subscriptions import resume
from recoup.errors import ConnectionFailed
from recoup.messages import SendUnavailable, SendUnclear
from recoup.rules.case import MessageState, Outcome, Template
from recoup.rules.policy import Ending
from recoup.web.webhooks._customers import customer_updated, subscription_updated
from recoup.web.webhooks.commands import Ignore
from recoup.web.webhooks.shapes import Event
from tests.activities.conftest import Desk


def test_taking_up_switches_stripes_own_retries_off_once(desk: Desk) -> None:
    """The case begins with the decline, the campaign and the amount; Stripe will not retry beside us."""
    case = desk.take_up("empty")
    again = desk.take_up("empty")
    assert case == again
    assert case.decline is not None
    assert (case.decline.code, case.due.amount, case.due.currency) == ("insufficient_funds", 2900, "eur")
    invoice = desk.stripe.v1.invoices.retrieve(case.invoice)
    assert (invoice.auto_advance, invoice.status) == (False, "open")
    desk.sandbox.pass_time(days=20)
    assert desk.sandbox.books(case.invoice)["failed_charges"] == 1


def test_a_first_invoice_is_no_case(desk: Desk) -> None:
    """What is not a failed renewal is refused with a reason and leaves no case behind."""
    known = desk.stripe.v1.subscriptions.list({"customer": desk.customers["empty"]["customer"]}).data[0]
    price = known.to_dict()["items"]["data"][0]["price"]["id"]
    started = desk.stripe.v1.subscriptions.create(
        {
            "customer": desk.customers["empty"]["customer"],
            "items": [{"price": price}],
            "payment_behavior": "allow_incomplete",
        }
    )
    first = started.to_dict()["latest_invoice"]
    order = TakeUp(invoice=first, at=desk.clock.now(), return_number=1, workflow_id="w", run_id="r")
    taken = desk.run(desk.payments.take_up, order)
    assert taken.case is None
    assert "first invoice" in taken.because
    assert desk.ledger.cases.by_invoice(first) == []


def test_an_invoice_whose_case_has_ended_is_not_taken_up_again(desk: Desk) -> None:
    """The ledger remembers longer than Temporal: a redelivered failure opens nothing."""
    case = desk.take_up("empty")
    order = CloseOrder(**desk.common(case, "close"), outcome=Outcome.CLOSED_STOPPED, because="asked")
    desk.run(desk.records.close_case, order)
    again = TakeUp(
        invoice=case.invoice,
        at=desk.clock.now(),
        return_number=1,
        workflow_id=f"recovery/{case.invoice}",
        run_id="run-2",
    )
    assert desk.run(desk.payments.take_up, again).case is None


def test_nothing_of_an_excluded_customer_is_taken_up(desk: Desk) -> None:
    """Not the failure, whose retries stay Stripe's, and no return by a new card; only who has paid gets the access back."""
    invoice, customer = desk.invoice("empty"), desk.customers["empty"]["customer"]
    who = {"actor": "kim", "because": "a friend"}
    desk.ledger.exclusions.exclude(customer, desk.clock.now(), **who, unique="x")
    order = TakeUp(invoice=invoice, at=desk.clock.now(), return_number=1, workflow_id="w", run_id="r")
    taken = desk.run(desk.payments.take_up, order)
    assert (taken.case, taken.because) == (None, "kim excluded the customer: a friend")
    assert desk.stripe.v1.invoices.retrieve(invoice).auto_advance is True
    desk.ledger.exclusions.take_back(customer, desk.clock.now(), **who)
    case = desk.take_up("empty")
    lost = CloseOrder(**desk.common(case, "close"), outcome=Outcome.LOST_SUSPENDED, because="unpaid")
    desk.run(desk.records.close_case, lost)
    desk.ledger.exclusions.exclude(customer, desk.clock.now(), **who, unique="y")
    method = MethodUpdated(at=desk.clock.now(), method="pm_2", version="pm_2/2030-1")
    back = order.model_copy(update={"return_number": 2, "workflow_id": "w2", "method": method})
    assert desk.run(desk.payments.take_up, back).case is None
    paid = back.model_copy(update={"method": None, "workflow_id": "w3"})
    assert desk.run(desk.payments.take_up, paid).case is not None


def test_the_first_outcome_stands(desk: Desk) -> None:
    """Closing twice with different outcomes keeps the first and tells it to the second."""
    case = desk.take_up("empty")
    for number, outcome in enumerate((Outcome.RECOVERED_BY_RETRY, Outcome.LOST_SUSPENDED)):
        order = CloseOrder(**desk.common(case, f"close{number}"), outcome=outcome, because=outcome.value)
        closed = desk.run(desk.records.close_case, order)
        assert closed.outcome is Outcome.RECOVERED_BY_RETRY


def test_a_message_goes_out_once_in_the_customers_language(desk: Desk) -> None:
    """The same order twice is one mail, in Polish, with the amount and one update link."""
    case = desk.take_up("short")
    reports = [desk.run(desk.messages.send, desk.message(case)) for _ in range(2)]
    assert [report.state for report in reports] == [MessageState.SENT, MessageState.SENT]
    (mail,) = desk.outbox.list()
    text = desk.outbox.text(mail.id) or ""
    assert "49,00" in text
    assert text.count("http://127.0.0.1/u/") == 1
    assert "płatnoś" in text.lower()


def test_of_several_languages_the_first_that_is_spoken_is_taken(desk: Desk) -> None:
    """A customer who would like German, and Polish otherwise, is written to in Polish, and the ledger says so."""
    case = desk.take_up("empty")
    desk.stripe.v1.customers.update(case.customer, {"preferred_locales": ["de", "pl-PL", "en"]})
    desk.run(desk.messages.send, desk.message(case))
    (mail,) = desk.outbox.list()
    assert "Dzień dobry" in (desk.outbox.text(mail.id) or "")
    (row,) = desk.ledger.messages.of_case(case.id)
    assert row.locale == "pl-PL"


def test_a_message_that_was_surely_not_sent_is_sent_later(desk: Desk) -> None:
    """A mailbox that is away makes Temporal try again, and then exactly one mail arrives."""
    case, real = desk.take_up("short"), desk.messages.sender.send

    def away(*_: object, **__: object) -> None:
        raise SendUnavailable("nobody answers")

    desk.messages.sender.send = away  # type: ignore[method-assign,assignment]
    with pytest.raises(ApplicationError):
        desk.run(desk.messages.send, desk.message(case))
    desk.messages.sender.send = real  # type: ignore[method-assign]
    assert desk.run(desk.messages.send, desk.message(case)).state is MessageState.SENT
    assert len(desk.outbox.list()) == 1


def test_a_message_that_may_have_been_sent_is_never_repeated(desk: Desk) -> None:
    """No answer after handing over counts as sent; the report says that it is not sure."""
    case = desk.take_up("short")
    handed_over = []

    def unclear(*_: object, **given: object) -> None:
        handed_over.append(given["key"])
        raise SendUnclear("no answer")

    desk.messages.sender.send = unclear  # type: ignore[method-assign,assignment]
    states = [desk.run(desk.messages.send, desk.message(case)).state for _ in range(2)]
    assert states == [MessageState.UNKNOWN, MessageState.UNKNOWN]
    assert len(handed_over) == 1


def test_a_customer_without_an_address_is_told_of_in_the_report(desk: Desk) -> None:
    """Nobody to write to: the message has failed for good, and says why."""
    case = desk.take_up("short")
    desk.stripe.v1.customers.update(case.customer, {"email": ""})
    report = desk.run(desk.messages.send, desk.message(case))
    assert (report.state, report.because) == (MessageState.FAILED, "the customer has no e-mail address")


@pytest.mark.parametrize("ending", list(Ending))
def test_a_suspension_does_what_the_policy_says_and_can_be_undone(desk: Desk, ending: Ending) -> None:
    """Paused, cancelled or kept at Stripe; the backend is told under one id, however often it is done."""
    case = desk.take_up("short")
    for _ in range(2):
        assert desk.run(desk.access.suspend, desk.access_order(case, ending)).done
    status = desk.stripe.v1.subscriptions.retrieve(case.subscription).to_dict()
    stopped = status["status"] == "paused" or bool(status.get("pause_collection"))
    assert (stopped, status["status"] == "canceled") == (ending is Ending.PAUSE, ending is Ending.CANCEL)
    assert set(desk.backend.told) == {("access.suspended", f"access.suspended/{case.id}")}
    if ending is Ending.PAUSE:
        desk.stripe.v1.invoices.pay(case.invoice)
        assert desk.run(desk.access.restore, desk.access_order(case, ending)).done
        status = desk.stripe.v1.subscriptions.retrieve(case.subscription).to_dict()
        assert (status["status"], status.get("pause_collection")) == ("active", None)
        assert desk.backend.told[-1] == ("access.restored", f"access.restored/{case.id}")


def test_of_two_cases_that_end_a_suspension_at_once_one_says_so(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second case restores while the first is between its look and its word: the backend hears of it once."""
    case = desk.take_up("short")
    desk.run(desk.access.suspend, desk.access_order(case))
    desk.stripe.v1.invoices.pay(case.invoice)
    first, second = (
        desk.access_order(case).model_copy(update={"case_id": f"{case.id}/r{n}", "request": f"r{n}"})
        for n in (2, 3)
    )
    others = [second]

    def interrupted(*given: Any, **more: Any) -> None:
        if others:
            assert desk.run(desk.access.restore, others.pop()).done
        resume(*given, **more)

    monkeypatch.setattr("activities.access.resume", interrupted)
    monkeypatch.setattr("activities.access.write_decision", lambda *_: None)
    assert desk.run(desk.access.restore, first).done
    told = [id_ for kind, id_ in desk.backend.told if kind == "access.restored"]
    assert told == [f"access.restored/{case.id}/r3"]
    status = desk.stripe.v1.subscriptions.retrieve(case.subscription).to_dict()
    assert (status["status"], status.get("pause_collection")) == ("active", None)


def test_a_restoration_that_could_not_be_told_is_told_by_the_next_try(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The backend does not answer after the access was given back: the same case tells it again."""
    case = desk.take_up("short")
    desk.run(desk.access.suspend, desk.access_order(case))
    desk.stripe.v1.invoices.pay(case.invoice)
    with monkeypatch.context() as away:

        def unanswered(*_: object, **__: object) -> None:
            raise ConnectionFailed("The company's backend does not answer")

        away.setattr(desk.backend, "tell", unanswered)
        with pytest.raises(ConnectionFailed):
            desk.run(desk.access.restore, desk.access_order(case))
    assert desk.run(desk.access.restore, desk.access_order(case)).done
    assert desk.backend.told[-1] == ("access.restored", f"access.restored/{case.id}")


def test_a_suspended_subscription_does_not_renew_into_new_debts(desk: Desk) -> None:
    """Months after the suspension there is still only the one open invoice."""
    case = desk.take_up("empty")
    desk.run(desk.access.suspend, desk.access_order(case))
    desk.sandbox.pass_time(days=70)
    books = [book for book in desk.sandbox.control("books") if book["subscription"] == case.subscription]
    assert [book["id"] for book in books if book["status"] in ("open", "draft")] == [case.invoice]


def test_the_last_look_before_a_suspension_wins(desk: Desk) -> None:
    """Paid a moment before: nothing is suspended and nobody is told."""
    case = desk.take_up("short")
    desk.stripe.v1.invoices.pay(case.invoice)
    report = desk.run(desk.access.suspend, desk.access_order(case))
    assert (report.done, report.ended) == (False, Outcome.RECOVERED_BY_CUSTOMER)
    assert desk.backend.told == []
    assert desk.stripe.v1.subscriptions.retrieve(case.subscription).status == "active"


def test_a_new_card_becomes_the_default_everywhere(desk: Desk) -> None:
    """Set on the customer and on each subscription that had its own, so that no subscription stays on the old card."""
    case = desk.take_up("empty")
    old = desk.customers["empty"]["payment_method"]
    desk.stripe.v1.subscriptions.update(case.subscription, {"default_payment_method": old})
    card = desk.stripe.v1.payment_methods.create({"type": "card", "card": {"token": "tok_world_fresh"}})
    desk.stripe.v1.payment_methods.attach(card.id, {"customer": case.customer})
    unchosen = CardUpdated(customer=case.customer, method=card.id, at=desk.clock.now())
    assert not desk.run(desk.payments.adopt_method, unchosen).adopted
    chosen = unchosen.model_copy(update={"chosen": True})
    versions = {desk.run(desk.payments.adopt_method, chosen).version for _ in range(2)}
    assert len(versions) == 1
    customer = desk.stripe.v1.customers.retrieve(case.customer)
    subscription = desk.stripe.v1.subscriptions.retrieve(case.subscription)
    assert customer.invoice_settings.default_payment_method == card.id
    assert subscription.default_payment_method == card.id
    assert desk.run(desk.payments.attempt, _attempt(desk, case)).state == "paid"


def test_what_adopting_changes_is_no_choice_of_the_customers(desk: Desk) -> None:
    """Every change is made by a request of its own that names Recoup, so that its echo begins no other update: of two cards of one second each would set itself again for ever."""
    case = desk.take_up("empty")
    old = desk.customers["empty"]["payment_method"]
    desk.stripe.v1.subscriptions.update(case.subscription, {"default_payment_method": old})
    desk.stripe.v1.invoices.update(case.invoice, {"default_payment_method": old})
    card = desk.stripe.v1.payment_methods.create({"type": "card", "card": {"token": "tok_world_fresh"}})
    desk.stripe.v1.payment_methods.attach(card.id, {"customer": case.customer})
    began = desk.stripe.v1.events.list({"limit": 1}).data[0].id
    update = CardUpdated(customer=case.customer, method=card.id, at=desk.clock.now(), chosen=True)
    assert desk.run(desk.payments.adopt_method, update).adopted
    echoes = [
        each.to_dict() for each in desk.stripe.v1.events.list({"ending_before": began, "limit": 20}).data
    ]
    by_type = {each["type"]: Event.model_validate(each) for each in echoes}
    for kind in ("customer.updated", "customer.subscription.updated", "invoice.updated"):
        assert by_type[kind].made_by_recoup, kind
    assert all(isinstance(each, Ignore) for each in customer_updated(by_type["customer.updated"]))
    changed = by_type["customer.subscription.updated"]
    assert all(isinstance(each, Ignore) for each in subscription_updated(changed))


def _attempt(desk: Desk, case):  # type: ignore[no-untyped-def]
    from activities.contracts import AttemptOrder
    from recoup.rules.case import Trigger

    return AttemptOrder(**desk.common(case, "after"), trigger=Trigger.CARD_UPDATE, due=case.due)


def test_late_news_of_an_older_card_does_not_undo_the_customers_newer_choice(desk: Desk) -> None:
    """The event about the first card arrives after the second was chosen: the second stays, and nobody is told."""
    person, api = desk.customers["empty"], desk.stripe.v1
    desk.sandbox.pass_time(minutes=1)
    token = {"type": "card", "card": {"token": "tok_world_fresh"}}
    newer = api.payment_methods.attach(
        api.payment_methods.create(token).id, {"customer": person["customer"]}
    ).id
    api.customers.update(person["customer"], {"invoice_settings": {"default_payment_method": newer}})
    late = CardUpdated(
        customer=person["customer"], method=person["payment_method"], at=desk.clock.now(), chosen=True
    )
    told = desk.run(desk.payments.adopt_method, late)
    assert (told.adopted, told.because) == (False, "the customer has chosen a newer method since")
    default = api.customers.retrieve(person["customer"]).invoice_settings.default_payment_method
    assert getattr(default, "id", default) == newer


def test_news_of_a_card_that_was_refused_since_is_old(desk: Desk) -> None:
    """What happened before the renewal was refused leads to nothing; what the customer did to the card since does."""
    person, now = desk.customers["empty"], desk.clock.now()
    update = CardUpdated(customer=person["customer"], method=person["payment_method"], at=now, chosen=True)
    before = update.model_copy(update={"happened": now - timedelta(hours=5)})
    told = desk.run(desk.payments.adopt_method, before)
    assert (told.adopted, told.because) == (False, "the method has been refused since")
    assert desk.run(desk.payments.adopt_method, update.model_copy(update={"happened": now})).adopted


def test_letting_go_restores_what_was_changed(desk: Desk) -> None:
    """Released, the invoice has Stripe's own retries again, exactly as before."""
    case = desk.take_up("empty")
    desk.run(desk.payments.release, desk.plain(case))
    assert desk.stripe.v1.invoices.retrieve(case.invoice).auto_advance is True


@pytest.mark.parametrize("ending", ["by_the_customer", "by_our_suspension", "disputed"])
def test_letting_go_sets_stripe_on_nobody_who_is_not_to_be_charged(desk: Desk, ending: str) -> None:
    """Cancelled, by whomever, or disputed before the case heard of it: the invoice stays out of Stripe's own retries."""
    case = desk.take_up("empty")
    if ending == "by_the_customer":
        desk.stripe.v1.subscriptions.cancel(str(case.subscription))
    elif ending == "by_our_suspension":
        desk.run(desk.access.suspend, desk.access_order(case, Ending.CANCEL))
    else:
        desk.ledger.events.append(DISPUTE_OPENED, desk.clock.now(), customer=case.customer)
    looked = desk.run(desk.payments.release, desk.plain(case))
    assert desk.stripe.v1.invoices.retrieve(case.invoice).auto_advance is False
    assert "stay off" in looked.because
    taken = desk.ledger.invoices.takeover(case.invoice)
    assert taken is not None
    assert taken.released_at is None


def test_paid_outside_is_told_to_stripe_once(desk: Desk) -> None:
    """An operator's word closes the invoice without a charge."""
    case = desk.take_up("empty")
    looks = [desk.run(desk.payments.mark_paid, desk.plain(case)) for _ in range(2)]
    assert [look.ended for look in looks] == [Outcome.RECOVERED_OUTSIDE, Outcome.RECOVERED_OUTSIDE]
    book = desk.sandbox.books(case.invoice)
    assert (book["status"], book["successful_charges"]) == ("paid", [])


def test_an_invoice_is_written_off_once(desk: Desk) -> None:
    """An operator's stop marks it as uncollectible, without a charge; asked again, it has ended already."""
    case = desk.take_up("empty")
    looks = [desk.run(desk.payments.write_off, desk.plain(case)) for _ in range(2)]
    assert [look.ended for look in looks] == [Outcome.CLOSED_UNCOLLECTIBLE] * 2
    book = desk.sandbox.books(case.invoice)
    assert (book["status"], book["successful_charges"]) == ("uncollectible", [])


def test_failed_invoices_without_a_case_are_found(desk: Desk) -> None:
    """A card update finds what no webhook told: open failed invoices that never became a case."""
    question = CustomerQuestion(customer=desk.customers["empty"]["customer"])
    invoice = desk.invoice("empty")
    found = desk.run(desk.payments.failed_renewals, question)
    assert [(case.invoice, case.begins) for case in found.cases] == [(invoice, True)]
    desk.take_up("empty")
    assert desk.run(desk.payments.failed_renewals, question).cases == ()


def test_every_order_leaves_its_decision_once(desk: Desk) -> None:
    """What was known, the choice and its reason stand in the ledger, however often the activity runs."""
    case = desk.take_up("empty")
    for _ in range(3):
        desk.run(desk.messages.send, desk.message(case, Template.PAYMENT_FAILED))
    (decision,) = desk.ledger.decisions.of_case(case.id)
    assert (decision.because, decision.propensity, decision.policy_version) == (
        "the test asks for it",
        1.0,
        desk.payments.policy.version,
    )
