"""Payment methods, SetupIntents, the portal and the hosted invoice page's service."""

from __future__ import annotations

import pytest
import stripe

from recoup.sandbox.cards import TEST_CARDS
from recoup.sandbox.service import hosted, portal
from tests.sandbox.stage import DAY, Receiver, Stage

GOOD = portal.CardForm("4242 4242 4242 4242", 12, 2034, "123")
ALWAYS_3DS = portal.CardForm("4000002760003184", 12, 2034, "123")


@pytest.mark.parametrize(
    ("card", "code"),
    [
        ("pm_card_visa_chargeDeclined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "lost_card"),
        ("pm_card_visa_chargeDeclinedStolenCard", "stolen_card"),
        ("pm_card_visa_chargeDeclinedVelocityLimitExceeded", "card_velocity_exceeded"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card"),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc"),
        ("pm_card_chargeDeclinedProcessingError", "processing_error"),
    ],
)
def test_cards_that_decline_cannot_be_attached(stage: Stage, card: str, code: str) -> None:
    """Stripe's declining test cards are refused when they are attached, with their decline code."""
    customer = stage.customer(None)
    with pytest.raises(stripe.CardError) as caught:
        stage.api.payment_methods.attach(card, {"customer": customer.id})
    assert caught.value.error is not None
    assert caught.value.error.decline_code == code
    assert stage.api.customers.payment_methods.list(customer.id).data == []


def test_one_number_is_one_fingerprint(stage: Stage) -> None:
    """The same card has the same fingerprint for every customer, by number, token and ready-made id; others have others."""
    create = stage.api.payment_methods.create
    number = create(
        {"type": "card", "card": {"number": "4242424242424242", "exp_month": 1, "exp_year": 2030, "cvc": "1"}}
    )
    token = create({"type": "card", "card": {"token": "tok_visa"}})
    ready = stage.api.payment_methods.attach("pm_card_visa", {"customer": stage.customer(None).id})
    assert len({entry.to_dict()["card"]["fingerprint"] for entry in (number, token, ready)}) == 1
    assert (number.to_dict()["card"]["exp_year"], number.to_dict()["card"]["last4"]) == (2030, "4242")
    numbers = {card.number for card in TEST_CARDS.values() if card.number}
    prints = {card.fingerprint for card in TEST_CARDS.values() if card.number}
    assert len(prints) == len(numbers)


def test_real_and_wrong_numbers_are_refused(stage: Stage) -> None:
    """Only known test numbers are accepted; a wrong check digit is an incorrect number."""
    for number, code in (("4242424242424241", "incorrect_number"), ("4929420573595709", "card_declined")):
        with pytest.raises(stripe.CardError) as caught:
            stage.api.payment_methods.create(
                {"type": "card", "card": {"number": number, "exp_month": 1, "exp_year": 2030, "cvc": "1"}}
            )
        assert caught.value.code == code


def test_attaching_and_detaching(heard: Stage, receiver: Receiver) -> None:
    """A method belongs to one customer; taken off it is no default any more and cannot be used again."""
    customer = heard.customer(None)
    card = heard.use_card(customer.id, "pm_card_visa")
    subscription = heard.subscription(customer.id, default_payment_method=card)
    with pytest.raises(stripe.InvalidRequestError, match="already been attached"):
        heard.api.payment_methods.attach(card, {"customer": heard.customer(None).id})
    heard.api.payment_methods.detach(card)
    assert (
        heard.api.customers.retrieve(customer.id).to_dict()["invoice_settings"]["default_payment_method"]
        is None
    )
    assert heard.api.subscriptions.retrieve(subscription.id).default_payment_method is None
    with pytest.raises(stripe.InvalidRequestError, match="may not be used again"):
        heard.api.payment_methods.attach(card, {"customer": customer.id})
    heard.settle()
    assert {"payment_method.attached", "payment_method.detached"} <= set(receiver.types)


def test_an_unattached_method_is_nobodys_default(stage: Stage) -> None:
    """Only a method of the customer can become their default, or a subscription's."""
    card = stage.api.payment_methods.create({"type": "card", "card": {"token": "tok_visa"}})
    customer = stage.customer()
    with pytest.raises(stripe.InvalidRequestError):
        stage.api.customers.update(customer.id, {"invoice_settings": {"default_payment_method": card.id}})
    with pytest.raises(stripe.InvalidRequestError):
        stage.subscription(customer.id, default_payment_method=card.id)


def test_setup_intents(heard: Stage, receiver: Receiver) -> None:
    """A SetupIntent saves a card, is refused by a declining one, and asks for 3-D Secure where the card does."""
    customer = heard.customer(None)
    setups = heard.api.setup_intents
    done = setups.create({"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True})
    assert done.status == "succeeded"
    assert heard.api.payment_methods.retrieve(str(done.payment_method)).customer == customer.id
    waiting = setups.create({"customer": customer.id})
    with pytest.raises(stripe.CardError):
        setups.confirm(waiting.id, {"payment_method": "pm_card_chargeDeclinedExpiredCard"})
    failed = setups.retrieve(waiting.id).to_dict()
    assert (failed["status"], failed["last_setup_error"]["decline_code"]) == (
        "requires_payment_method",
        "expired_card",
    )
    asked = setups.confirm(waiting.id, {"payment_method": "pm_card_authenticationRequired"}).to_dict()
    assert asked["status"] == "requires_action"
    assert asked["next_action"]["redirect_to_url"]["url"].startswith(f"{heard.url}/pages/3ds/")
    heard.settle()
    assert {"setup_intent.succeeded", "setup_intent.setup_failed", "setup_intent.requires_action"} <= set(
        receiver.types
    )


def test_the_portal_changes_the_default(stage: Stage) -> None:
    """A portal session lives shortly, longer once visited; a card entered there becomes the customer's default."""
    customer = stage.customer()
    before = stage.api.customers.retrieve(customer.id).to_dict()["invoice_settings"]["default_payment_method"]
    session = stage.api.billing_portal.sessions.create(
        {
            "customer": customer.id,
            "flow_data": {"type": "payment_method_update"},
            "return_url": "https://example.com/",
        }
    )
    token = session.url.removeprefix(f"{stage.url}/pages/portal/")
    stage.forward(seconds=200)
    with stage.server.sandbox.work() as work:
        opened = portal.open_session(work, token)
        assert opened is not None
        assert portal.save_card(work, opened, portal.CardForm("4000000000000069", 1, 2030)).error is not None
        saved = portal.save_card(work, opened, GOOD)
    after = stage.api.customers.retrieve(customer.id).to_dict()["invoice_settings"]["default_payment_method"]
    assert after == saved.method != before
    stage.forward(seconds=3000)
    with stage.server.sandbox.work() as work:
        assert portal.open_session(work, token) is not None
    stage.forward(hours=2)
    with stage.server.sandbox.work() as work:
        assert portal.open_session(work, token) is None


def test_how_long_a_portal_session_lives_is_a_switch(stage: Stage) -> None:
    """Switch portal_session_seconds: a session that nobody visits runs out after it."""
    for lives, alive in ((60, False), (600, True)):
        stage.switch(portal_session_seconds=lives)
        session = stage.api.billing_portal.sessions.create({"customer": stage.customer(None).id})
        stage.forward(seconds=300)
        with stage.server.sandbox.work() as work:
            assert (portal.open_session(work, session.url.rsplit("/", 1)[1]) is not None) is alive


def test_a_portal_card_that_asks_for_3d_secure(stage: Stage) -> None:
    """A card that needs authentication becomes the default after it passed, and not when it failed."""
    customer = stage.customer()
    before = stage.api.customers.retrieve(customer.id).to_dict()["invoice_settings"]["default_payment_method"]
    session = stage.api.billing_portal.sessions.create({"customer": customer.id})
    for passed in (False, True):
        with stage.server.sandbox.work() as work:
            opened = portal.open_session(work, session.url.rsplit("/", 1)[1])
            assert opened is not None
            asked = portal.save_card(work, opened, ALWAYS_3DS)
            assert asked.authenticate_at is not None
            waiting = hosted.challenge(work, asked.authenticate_at.rsplit("/", 1)[1])
            assert waiting is not None
            hosted.complete_challenge(work, waiting, passed=passed)
        default = stage.api.customers.retrieve(customer.id).to_dict()["invoice_settings"][
            "default_payment_method"
        ]
        assert (default == before) is not passed


def test_a_card_that_was_set_up_is_not_asked_again(stage: Stage) -> None:
    """A card that asks for 3-D Secure unless it was set up renews off session after an authenticated setup."""
    customer = stage.customer()
    subscription = stage.subscription(customer.id)
    session = stage.api.billing_portal.sessions.create({"customer": customer.id})
    with stage.server.sandbox.work() as work:
        opened = portal.open_session(work, session.url.rsplit("/", 1)[1])
        assert opened is not None
        asked = portal.save_card(work, opened, portal.CardForm("4000002500003155", 1, 2034))
        waiting = hosted.challenge(work, str(asked.authenticate_at).rsplit("/", 1)[1])
        assert waiting is not None
        hosted.complete_challenge(work, waiting, passed=True)
    stage.forward(days=32)
    assert stage.status(subscription.id) == "active"
    other, _ = stage.failed_renewal("pm_card_authenticationRequiredOnSetup")
    assert other.status == "past_due"


def hosted_token(invoice: stripe.Invoice) -> str:
    """The token of the invoice's page."""
    return str(invoice.hosted_invoice_url).rsplit("/", 1)[1]


def test_the_hosted_page_pays_with_3d_secure(heard: Stage, receiver: Receiver) -> None:
    """On the invoice's page a card that needs 3-D Secure waits for it; failing is no payment, passing pays and reactivates."""
    subscription, invoice = heard.failed_renewal()
    for passed in (False, True):
        with heard.server.sandbox.work() as work:
            found = hosted.hosted_invoice(work, hosted_token(invoice))
            assert found is not None
            asked = hosted.pay_with_card(work, found, ALWAYS_3DS)
            assert asked.result == "requires_action"
            waiting = hosted.challenge(work, str(asked.authenticate_at).rsplit("/", 1)[1])
            assert waiting is not None
            assert (waiting.amount, waiting.currency) == (1000, "eur")
            hosted.complete_challenge(work, waiting, passed=passed)
            assert hosted.challenge(work, str(asked.authenticate_at).rsplit("/", 1)[1]) is None
        assert heard.api.invoices.retrieve(invoice.id).status == ("paid" if passed else "open")
    assert heard.status(subscription.id) == "active"
    assert (
        heard.intent(invoice.id)["latest_charge"]["payment_method_details"]["card"]["three_d_secure"]
        is not None
    )
    assert heard.api.invoices.retrieve(invoice.id).attempt_count == 1
    heard.settle()
    assert "payment_intent.requires_action" in receiver.types


@pytest.mark.parametrize("way", hosted.OTHER_WAYS)
def test_the_hosted_page_takes_other_ways(stage: Stage, way: str) -> None:
    """BLIK and bank transfer pay the invoice at once, once."""
    _, invoice = stage.failed_renewal()
    with stage.server.sandbox.work() as work:
        found = hosted.hosted_invoice(work, hosted_token(invoice))
        assert found is not None
        assert hosted.pay_with_other(work, found, way).result == "paid"
        assert hosted.pay_with_other(work, found, way).result == "closed"
    assert len(stage.books()[invoice.id]["successful_charges"]) == 1


def test_the_hosted_page_runs_out(stage: Stage) -> None:
    """The address of an invoice works for 30 days."""
    stage.switch(retry_days=[])
    _, invoice = stage.failed_renewal()
    stage.control("POST", "clock", {"by": 29 * DAY})
    with stage.server.sandbox.work() as work:
        assert hosted.hosted_invoice(work, hosted_token(invoice)) is not None
    stage.control("POST", "clock", {"by": 2 * DAY})
    with stage.server.sandbox.work() as work:
        assert hosted.hosted_invoice(work, hosted_token(invoice)) is None


def test_checkout_sessions_expire(heard: Stage, receiver: Receiver) -> None:
    """A setup session needs a currency, is open for a day, and can be closed sooner."""
    customer = heard.customer(None)
    sessions = heard.api.checkout.sessions
    with pytest.raises(stripe.InvalidRequestError):
        sessions.create({"mode": "setup", "customer": customer.id, "success_url": "https://example.com/"})
    first, second = (
        sessions.create(
            {
                "mode": "setup",
                "customer": customer.id,
                "currency": "eur",
                "success_url": "https://example.com/",
            }
        )
        for _ in range(2)
    )
    assert sessions.expire(first.id).status == "expired"
    heard.forward(days=1.1)
    assert sessions.retrieve(second.id).status == "expired"
    heard.settle()
    assert receiver.types.count("checkout.session.expired") == 2
