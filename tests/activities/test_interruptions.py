"""What happened at Stripe and nobody has told yet: each act looks for itself before it does anything."""

from __future__ import annotations

import pytest
from temporalio.exceptions import ApplicationError

from activities._collecting import Collector
from activities.contracts import CardUpdated, CloseOrder, MethodUpdated, TakenUp, TakeUp
from recoup.access import AccessChange
from recoup.errors import ConnectionFailed
from recoup.rules.case import AttemptState, Case, MessageState, Outcome, Template, Trigger
from recoup.rules.policy import Ending, RacedPayments
from tests.activities.conftest import Desk

GOOD_ACCOUNT, BAD_ACCOUNT = "AT611904300234573201", "AT861904300235473202"


def new_card(desk: Desk, case: Case) -> str:
    """Another card of the customer's, attached and good."""
    api = desk.stripe.v1
    card = api.payment_methods.create({"type": "card", "card": {"token": "tok_world_fresh"}})
    return str(api.payment_methods.attach(card.id, {"customer": case.customer}).id)


def debit_under_way(desk: Desk, case: Case, iban: str = GOOD_ACCOUNT) -> None:
    """The customer pays by bank debit, on Stripe's page say; the bank takes days."""
    debit = desk.stripe.v1.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": iban}})
    desk.stripe.v1.payment_methods.attach(debit.id, {"customer": case.customer})
    desk.stripe.v1.invoices.pay(case.invoice, {"payment_method": debit.id})


def come_back(desk: Desk, case: Case, number: int, version: str = "pm_2/1", run: str = "run-1") -> TakenUp:
    """Take up the return of a suspended case."""
    method = MethodUpdated(at=desk.clock.now(), method="pm_2", version=version)
    order = TakeUp(
        invoice=case.invoice,
        at=desk.clock.now(),
        return_number=number,
        workflow_id=f"recovery/{case.invoice}/r{number}",
        run_id=run,
        method=method,
    )
    taken: TakenUp = desk.run(desk.payments.take_up, order)
    return taken


def close(desk: Desk, case: Case, outcome: Outcome):  # type: ignore[no-untyped-def]
    """Commit an outcome."""
    order = CloseOrder(**desk.common(case, f"close-{case.id}"), outcome=outcome, because="the test says so")
    return desk.run(desk.records.close_case, order)


def test_nothing_is_charged_beside_a_debit_of_the_customers(desk: Desk) -> None:
    """The customer's own bank debit is on its way: no attempt is made, and the case is told when to ask again."""
    case = desk.take_up("short")
    debit_under_way(desk, case)
    before = len(desk.sandbox.pays(case.invoice))
    report = desk.attempt(case)
    assert (report.state, report.number, report.ended) == (AttemptState.SKIPPED, None, None)
    assert report.not_before is not None
    assert report.not_before > desk.clock.now()
    assert len(desk.sandbox.pays(case.invoice)) == before


def test_a_debit_that_begins_just_before_the_attempt_is_no_refusal(desk: Desk) -> None:
    """Between the look and the charge the customer pays by debit: skipped, not read as a card that cannot be charged."""
    case, real = desk.take_up("short"), desk.ledger.attempts.mark_sent

    def meanwhile(*args):  # type: ignore[no-untyped-def]
        debit_under_way(desk, case)
        return real(*args)

    desk.ledger.attempts.mark_sent = meanwhile  # type: ignore[method-assign]
    report = desk.attempt(case)
    assert (report.state, report.decline, report.because) == (
        AttemptState.SKIPPED,
        None,
        "a payment of the customer's is on its way",
    )


def test_a_debit_that_was_written_off_meanwhile_is_waited_for(desk: Desk) -> None:
    """Our debit is on its way when the merchant writes the invoice off: the bank's answer says what became of it, not the wish."""
    case, api = desk.take_up("short"), desk.stripe.v1
    debit = api.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": GOOD_ACCOUNT}})
    api.payment_methods.attach(debit.id, {"customer": case.customer})
    api.customers.update(case.customer, {"invoice_settings": {"default_payment_method": debit.id}})
    assert desk.attempt(case, trigger=Trigger.CARD_UPDATE).state is AttemptState.PENDING
    api.invoices.mark_uncollectible(case.invoice)
    desk.sandbox.pass_time(hours=13)
    assert desk.settle(case, 1, only_read=True).state is AttemptState.PENDING
    desk.sandbox.pass_time(days=5)
    assert desk.settle(case, 1, only_read=True).state is AttemptState.PAID


def test_a_debit_of_ours_is_followed_to_its_end_although_the_debt_was_written_off(desk: Desk) -> None:
    """Written off between our read and our debit: the bank may yet pay it, and then the ledger knows whose payment it was."""
    case, real = desk.take_up("short"), desk.ledger.attempts.mark_sent
    made = {"type": "sepa_debit", "sepa_debit": {"iban": GOOD_ACCOUNT}}
    debit = desk.stripe.v1.payment_methods.create(made)
    desk.stripe.v1.payment_methods.attach(debit.id, {"customer": case.customer})
    desk.stripe.v1.customers.update(case.customer, {"invoice_settings": {"default_payment_method": debit.id}})

    def meanwhile(*args):  # type: ignore[no-untyped-def]
        desk.stripe.v1.invoices.mark_uncollectible(case.invoice)
        return real(*args)

    desk.ledger.attempts.mark_sent = meanwhile  # type: ignore[method-assign]
    report = desk.attempt(case)
    assert (report.state, report.number) == (AttemptState.PENDING, 1)
    desk.sandbox.pass_time(days=1)
    assert desk.settle(case, 1).state is AttemptState.PENDING
    desk.sandbox.pass_time(days=3)
    report = desk.settle(case, 1)
    assert report.state is AttemptState.PAID
    assert report.because == "the bank approved", "an answer that takes days is no lost one"
    assert len(desk.sandbox.books(case.invoice)["successful_charges"]) == 1


@pytest.mark.parametrize(
    ("iban", "end"), [(GOOD_ACCOUNT, AttemptState.PAID), (BAD_ACCOUNT, AttemptState.DECLINED)]
)
def test_a_debit_that_nobody_saw_begin_is_found_although_the_debt_was_written_off(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, iban: str, end: AttemptState
) -> None:
    """The worker dies with the answer, the invoice is written off, and the key is too old when the case goes on: reading shows
    the debit, and it is followed to what the bank says.
    """
    case = desk.take_up("short")
    debit = desk.stripe.v1.payment_methods.create({"type": "sepa_debit", "sepa_debit": {"iban": iban}})
    desk.stripe.v1.payment_methods.attach(debit.id, {"customer": case.customer})
    desk.stripe.v1.customers.update(case.customer, {"invoice_settings": {"default_payment_method": debit.id}})

    def dies(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Collector, "_answered", dies)
        with pytest.raises(KeyboardInterrupt):
            desk.attempt(case)
    desk.stripe.v1.invoices.mark_uncollectible(case.invoice)
    desk.sandbox.pass_time(hours=26)
    assert desk.attempt(case).state is AttemptState.PENDING
    desk.sandbox.pass_time(days=9)
    report = desk.settle(case, 1)
    assert (report.number, report.state) == (1, end)
    assert report.ended is (None if end is AttemptState.PAID else Outcome.CLOSED_UNCOLLECTIBLE)
    assert len(desk.sandbox.pays(case.invoice)) == 1


def test_nobody_is_suspended_whose_payment_is_on_its_way(desk: Desk) -> None:
    """The suspension looks again when the bank may have answered, and then finds the invoice paid."""
    case = desk.take_up("short")
    debit_under_way(desk, case)
    report = desk.run(desk.access.suspend, desk.access_order(case))
    assert (report.done, report.ended) == (False, None)
    assert report.look_again_at is not None
    assert desk.backend.told == []
    desk.sandbox.pass_time(days=15)
    assert desk.run(desk.access.suspend, desk.access_order(case)).ended is Outcome.RECOVERED_BY_CUSTOMER


@pytest.mark.parametrize("template", [Template.PAYMENT_FAILED, Template.REMINDER, Template.LAST_NOTICE])
def test_a_debt_that_has_ended_is_not_written_about(desk: Desk, template: Template) -> None:
    """Paid, and no webhook has told yet: no mail says that something is owed, and the report tells the case."""
    case = desk.take_up("short")
    desk.stripe.v1.invoices.pay(case.invoice)
    report = desk.run(desk.messages.send, desk.message(case, template))
    assert (report.state, report.ended) == (MessageState.FAILED, Outcome.RECOVERED_BY_CUSTOMER)
    assert desk.outbox.list() == []
    assert desk.run(desk.messages.send, desk.message(case, Template.RECOVERED)).state is MessageState.SENT


def test_a_suspension_that_was_interrupted_half_way_is_known_at_the_close(desk: Desk) -> None:
    """Paused at Stripe, the backend away, then paid: the close says that the access has to be given back, and it is."""
    case = desk.take_up("short")

    def away(change: AccessChange, *, id_: str, at: object) -> None:
        raise ConnectionFailed("the backend is away")

    desk.backend.tell, there = away, desk.backend.tell  # type: ignore[method-assign]
    with pytest.raises(ConnectionFailed):
        desk.run(desk.access.suspend, desk.access_order(case))
    desk.stripe.v1.invoices.pay(case.invoice)
    desk.backend.tell = there  # type: ignore[method-assign]
    assert desk.run(desk.access.suspend, desk.access_order(case)).ended is Outcome.RECOVERED_BY_CUSTOMER
    assert close(desk, case, Outcome.RECOVERED_BY_CUSTOMER).suspended
    assert desk.run(desk.access.restore, desk.access_order(case)).done
    assert not close(desk, case, Outcome.RECOVERED_BY_CUSTOMER).suspended


def test_a_debt_stays_payable_after_our_own_cancellation(desk: Desk) -> None:
    """The suspension cancelled the subscription; the customer's new card still pays what was owed, once."""
    case = desk.take_up("empty")
    desk.run(desk.access.suspend, desk.access_order(case, Ending.CANCEL))
    close(desk, case, Outcome.LOST_SUSPENDED)
    card = new_card(desk, case)
    desk.stripe.v1.customers.update(case.customer, {"invoice_settings": {"default_payment_method": card}})
    taken = come_back(desk, case, 2)
    assert (taken.outcome, taken.case is not None) == (None, True)
    assert taken.case is not None
    assert desk.attempt(taken.case, "back", Trigger.CARD_UPDATE).state is AttemptState.PAID
    assert len(desk.sandbox.books(case.invoice)["successful_charges"]) == 1


def test_a_cancellation_by_the_customer_still_ends_the_return(desk: Desk) -> None:
    """Only our own cancellation leaves the debt payable."""
    case = desk.take_up("empty")
    desk.run(desk.access.suspend, desk.access_order(case))
    close(desk, case, Outcome.LOST_SUSPENDED)
    desk.stripe.v1.subscriptions.cancel(case.subscription)
    assert come_back(desk, case, 2).outcome is Outcome.LOST_CANCELLED


def test_one_method_brings_a_customer_back_once(desk: Desk) -> None:
    """A late event about the same card begins nothing; a repetition of the same run, and another card, do."""
    case = desk.take_up("empty")
    desk.run(desk.access.suspend, desk.access_order(case))
    close(desk, case, Outcome.LOST_SUSPENDED)
    first = come_back(desk, case, 2)
    assert first.case is not None
    assert come_back(desk, case, 2).case == first.case
    close(desk, first.case, Outcome.LOST_SUSPENDED)
    again = come_back(desk, case, 3)
    assert (again.case, again.because) == (None, "a return with this payment method was made before")
    assert come_back(desk, case, 4, version="pm_2/2").case is not None


def test_a_new_card_replaces_the_one_that_an_invoice_had_of_its_own(desk: Desk) -> None:
    """An invoice's own method beats all others: it is set too, so that the attempt uses the new card."""
    case = desk.take_up("empty")
    old = desk.customers["empty"]["payment_method"]
    desk.stripe.v1.invoices.update(case.invoice, {"default_payment_method": old})
    card = new_card(desk, case)
    update = CardUpdated(customer=case.customer, method=card, at=desk.clock.now(), chosen=True)
    assert desk.run(desk.payments.adopt_method, update).adopted
    report = desk.attempt(case, "after", Trigger.CARD_UPDATE)
    assert (report.state, report.payment_method) == (AttemptState.PAID, card)


def test_an_amount_that_changed_is_attempted_anew_with_what_is_owed(desk: Desk) -> None:
    """A credit note between the reservation and the charge: skipped under its number, then attempted for the rest."""
    case, real = desk.take_up("short"), desk.ledger.attempts.reserve

    def meanwhile(*args, **more):  # type: ignore[no-untyped-def]
        reserved = real(*args, **more)
        desk.ledger.attempts.reserve = real  # type: ignore[method-assign]
        desk.stripe.v1.credit_notes.create({"invoice": case.invoice, "amount": 1000})
        return reserved

    desk.ledger.attempts.reserve = meanwhile  # type: ignore[method-assign]
    assert desk.attempt(case, "r1").state is AttemptState.SKIPPED
    assert desk.attempt(case, "r2").state is AttemptState.PAID
    assert [row.amount for row in desk.ledger.attempts.of_invoice(case.invoice)] == [4900, 3900]


def test_paid_outside_can_be_said_again_after_stripe_refused_it(desk: Desk) -> None:
    """Refused because a debit was on its way; once that has failed, the operator's word is a new request."""
    case = desk.take_up("empty")
    debit_under_way(desk, case, BAD_ACCOUNT)
    with pytest.raises(ApplicationError, match="Stripe could not mark the invoice"):
        desk.run(desk.payments.mark_paid, desk.plain(case, "first"))
    desk.sandbox.pass_time(days=15)
    looked = desk.run(desk.payments.mark_paid, desk.plain(case, "second"))
    assert looked.ended is Outcome.RECOVERED_OUTSIDE
    assert desk.sandbox.books(case.invoice)["paid_out_of_band"]


@pytest.mark.parametrize("policy", list(RacedPayments))
def test_paid_outside_and_by_our_attempt_is_given_back(desk: Desk, policy: RacedPayments) -> None:
    """The operator's word came while the attempt was under way: all of ours is too much, and goes back once as the policy says."""
    loaded = desk.payments.policy
    raced = loaded.policy.model_copy(update={"raced_payments": policy})
    desk.payments.policy = loaded.model_copy(update={"policy": raced})
    case, back = desk.take_up("short"), policy is RacedPayments.REFUND
    assert desk.attempt(case).state is AttemptState.PAID
    for _ in range(2):
        looked = desk.run(desk.payments.mark_paid, desk.plain(case, "told"))
        assert looked.ended is (Outcome.RECOVERED_OUTSIDE if back else None)
    book = desk.sandbox.books(case.invoice)
    assert [refund["amount"] for refund in book["refunds"]] == ([4900] if back else [])
    (flag,) = [each for each in desk.ledger.events.of_case(case.id) if each.kind == "double_payment"]
    assert flag.data["refunded"] is back


@pytest.mark.parametrize(
    ("fault", "state"),
    [
        (None, AttemptState.SKIPPED),
        ("refuse_connection", AttemptState.UNKNOWN),
        ("lose_answer", AttemptState.PAID),
    ],
)
def test_what_became_of_an_attempt_that_was_called_off(
    desk: Desk, fault: str | None, state: AttemptState
) -> None:
    """Never begun, sent without an answer, or paid: whoever does not know its number is told, and nothing is sent again."""
    case = desk.take_up("short")
    if fault:
        desk.sandbox.fault(fault=fault, method="POST", path="/v1/invoices/*/pay", count=3)
        with pytest.raises(ApplicationError, match="no final answer"):
            desk.attempt(case)
    sent = len(desk.sandbox.pays(case.invoice))
    report = desk.settle(case, 0, only_read=True)
    assert (report.state, report.number) == (state, 1 if fault else 0)
    assert len(desk.sandbox.pays(case.invoice)) == sent


def test_a_credited_invoice_is_not_recovered(desk: Desk) -> None:
    """A credit note over everything settles the invoice as paid; nobody paid, and no figure may say so."""
    case = desk.take_up("short")
    desk.stripe.v1.credit_notes.create({"invoice": case.invoice, "amount": 4900})
    assert desk.stripe.v1.invoices.retrieve(case.invoice).status == "paid"
    assert desk.attempt(case).ended is Outcome.CLOSED_VOIDED


def test_a_case_that_is_begun_anew_knows_what_was_done(desk: Desk) -> None:
    """Its workflow was lost: the second run goes on with the attempts made, the messages sent and the days passed."""
    case = desk.take_up("empty")
    desk.run(desk.messages.send, desk.message(case))
    desk.attempt(case, "r1")
    desk.attempt(case, "r2", Trigger.MANUAL)
    desk.sandbox.pass_time(days=4)
    workflow = f"recovery/{case.invoice}"
    again = TakeUp(
        invoice=case.invoice, at=desk.clock.now(), return_number=1, workflow_id=workflow, run_id="run-2"
    )
    taken = desk.run(desk.payments.take_up, again).case
    assert (taken.failed_at, taken.attempts_made, taken.retries_made) == (case.failed_at, 2, 1)
    assert [(sent.key, sent.state) for sent in taken.messages] == [("payment_failed", MessageState.SENT)]
    assert taken.last_attempt_at is not None
    assert taken.unsettled is None


def test_a_case_that_is_begun_anew_settles_its_attempt_first(desk: Desk) -> None:
    """The first run was lost with an attempt whose answer nobody has heard."""
    case = desk.take_up("empty")
    desk.sandbox.fault(fault="refuse_connection", method="POST", path="/v1/invoices/*/pay", count=3)
    desk.attempt(case, tries=9)
    workflow = f"recovery/{case.invoice}"
    again = TakeUp(
        invoice=case.invoice, at=desk.clock.now(), return_number=1, workflow_id=workflow, run_id="run-2"
    )
    taken = desk.run(desk.payments.take_up, again).case
    assert (taken.unsettled, taken.unsettled_trigger) == (1, Trigger.SCHEDULE)
