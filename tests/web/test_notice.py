"""The in-app notice: who may read it, what it says, and that it costs Stripe nothing."""

from __future__ import annotations

import hashlib
import hmac
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from fastapi.testclient import TestClient

from recoup.errors import ConfigurationError
from recoup.integrations.published import CHANGES_NOTICE, EventType
from recoup.ledger import AccessMeans, Ledger
from recoup.ledger import NewMessage as Told
from recoup.rules.case import Access, AttemptState, Outcome, Template
from recoup.rules.declines import Decline
from recoup.rules.notice import NoticeLevel
from recoup.settings import Settings
from recoup.web.notice.proofs import notice_proofs
from recoup.web.notice.words import NoticeComposer
from starter import assemble
from tests.web.conftest import Book
from tests.web.doubles import NOW, FakeBilling, FakeGateway, StandingClock

KEY = "the secret of the product's backend"
OLD_KEY = "a secret that is being rolled"
APP = "https://app.acme.example"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Settings with a notice."""
    wanted = {"secrets": [OLD_KEY, KEY], "origins": [APP]}
    return Settings.model_validate(
        settings.model_dump() | {"notice": wanted, "link_secrets": settings.link_secrets}
    )


def digest(key: str, what: bytes) -> str:
    """As a backend in any language would make it."""
    return hmac.new(key.encode(), what, hashlib.sha256).hexdigest()


def address(customer: str = "cus_1", key: str = KEY, hours: float = 1) -> str:
    """The address that a backend gives its front end."""
    until = int(NOW.timestamp() + hours * 3600)
    return f"/notice/{customer}?until={until}&proof={digest(key, f'{customer}.{until}'.encode())}"


def tell(ledger: Ledger, template: Template, case: str = "in_1", *, fail: bool = False) -> None:
    """Have a message go out, or fail."""
    key = f"{case}/{template.value}"
    new = Told(key=key, case_id=case, customer="cus_1", template=template, channel="email", locale="pl")
    ledger.messages.reserve(new, NOW)
    if fail:
        ledger.messages.mark_failed(key, "the customer has no e-mail address", NOW)
        return
    ledger.messages.begin_sending(key, NOW)
    ledger.messages.mark_sent(key, None, NOW)


def level(web: TestClient) -> Any:
    """How urgent it is for the customer."""
    return web.get(address()).json()["level"]


def test_the_notice_follows_the_case(
    web: TestClient, book: Book, ledger: Ledger, billing: FakeBilling
) -> None:
    """Silent before the first message, then a failed payment, the last notice, the restriction, the suspension, and silent again; Stripe is never asked."""
    billing.away = True
    assert level(web) == "none"
    book.case()
    assert level(web) == "none"
    tell(ledger, Template.PAYMENT_FAILED)
    assert level(web) == "payment_failed"
    tell(ledger, Template.LAST_NOTICE)
    assert level(web) == "last_notice"
    ledger.access.note("sub_1", "cus_1", Access.RESTRICTED, AccessMeans.NONE, "in_1", NOW)
    assert level(web) == "restricted"
    book.end("in_1", Outcome.LOST_SUSPENDED)
    assert level(web) == "suspended"
    book.case("in_1/r2")
    assert level(web) == "suspended"
    book.end("in_1/r2", Outcome.RECOVERED_BY_RETRY)
    ledger.access.restore("sub_1", "in_1/r2", NOW)
    assert level(web) == "none"


def test_the_notice_says_it_in_the_customers_words(web: TestClient, book: Book, ledger: Ledger) -> None:
    """The language of the newest message, amounts and days as its readers write them; the front end may ask for another."""
    book.case()
    tell(ledger, Template.PAYMENT_FAILED)
    said = web.get(address()).json()
    assert said["language"] == "pl"
    assert said["title"] == "Nie udało się pobrać płatności"
    assert said["text"] == (
        "Do zapłaty pozostaje 1\u00a0234,50\u00a0zł. Zapłać lub zmień metodę płatności."
        " Bez wpłaty Twój dostęp wygaśnie 13 grudnia 2026."
    )
    assert said["action"] == "Zmień metodę płatności"
    english = web.get(address() + "&language=en-GB").json()
    assert (english["language"], english["title"]) == ("en-GB", "We could not collect your payment")
    assert said["open"] == [
        {
            "invoice": "in_1",
            "number": None,
            "subscription": "sub_1",
            "amount": 123450,
            "currency": "pln",
            "level": "payment_failed",
            "suspend_at": "2026-12-13T09:00:00+00:00",
        }
    ]


def test_currencies_stay_apart_and_the_most_urgent_leads(web: TestClient, book: Book, ledger: Ledger) -> None:
    """Two invoices of two currencies: two totals, and the level of the more urgent one."""
    book.case("in_1")
    book.case("in_2", currency="jpy", amount=500, subscription="sub_2")
    tell(ledger, Template.PAYMENT_FAILED, "in_1")
    tell(ledger, Template.LAST_NOTICE, "in_2")
    said = web.get(address()).json()
    assert said["level"] == "last_notice"
    assert said["totals"] == [
        {"amount": 500, "currency": "jpy"},
        {"amount": 123450, "currency": "pln"},
    ] or said["totals"] == [{"amount": 123450, "currency": "pln"}, {"amount": 500, "currency": "jpy"}]
    assert [each["invoice"] for each in said["open"]] == ["in_2", "in_1"]


def test_a_bank_that_waits_for_the_customer_is_named(web: TestClient, book: Book, ledger: Ledger) -> None:
    """3-D Secure: the customer has something else to do than to bring a card."""
    book.case(decline=Decline(code="authentication_required"))
    tell(ledger, Template.AUTHENTICATION_NEEDED)
    said = web.get(address() + "&language=en").json()
    assert (said["level"], said["action"]) == ("authentication_needed", "Confirm the payment")


def test_a_message_that_reached_nobody_leaves_the_notice_to_speak(
    web: TestClient, book: Book, ledger: Ledger
) -> None:
    """No mail address: the notice is all that the customer hears."""
    book.case()
    tell(ledger, Template.PAYMENT_FAILED, fail=True)
    assert level(web) == "payment_failed"


def test_who_is_paying_is_not_asked_to_pay(web: TestClient, book: Book, ledger: Ledger) -> None:
    """While the bank works on an attempt nothing shows; once it is refused it shows again."""
    book.case()
    tell(ledger, Template.PAYMENT_FAILED)
    attempt = book.attempt()
    assert level(web) == "none"
    from recoup.ledger import AttemptResult

    ledger.attempts.settle(attempt, AttemptResult(state=AttemptState.DECLINED), NOW)
    assert level(web) == "payment_failed"


@pytest.mark.parametrize(
    "asked",
    [
        address("cus_2").replace("cus_2", "cus_1", 1),
        address(key="somebody else's secret"),
        address(hours=-0.01),
        address(hours=7 * 24 + 1),
        "/notice/cus_1",
        "/notice/cus_1?until=x&proof=y",
        "/notice/cus_1?until=99999999999&proof=%C5%82",
        "/notice/in_1?until=1&proof=1",
    ],
    ids=[
        "another customer",
        "another secret",
        "expired",
        "too far ahead",
        "none",
        "junk",
        "letters",
        "no customer",
    ],
)
def test_without_a_proof_nothing_is_told(web: TestClient, book: Book, ledger: Ledger, asked: str) -> None:
    """Another customer's, a forged, an expired and a too long proof: 403, no word about the debt, and no link."""
    book.case()
    tell(ledger, Template.PAYMENT_FAILED)
    answer = web.get(asked)
    assert answer.status_code == 403
    assert set(answer.json()) == {"error"}
    head, _, query = asked.partition("?")
    assert web.get(f"{head}/open?{query}").status_code == 403
    assert [row.kind for row in ledger.events.of_customer("cus_1")].count("link_issued") == 0


def test_the_answer_is_signed_with_the_secret_of_its_proof(
    web: TestClient, book: Book, ledger: Ledger
) -> None:
    """A backend can prove whose word it was, whichever of two secrets it uses."""
    book.case()
    tell(ledger, Template.PAYMENT_FAILED)
    for key in (KEY, OLD_KEY):
        answer = web.get(address(key=key))
        assert answer.headers["recoup-signature"] == f"sha256={digest(key, answer.content)}"


def test_the_answer_can_be_kept(web: TestClient, book: Book, ledger: Ledger) -> None:
    """The browser keeps it for a minute; asked with what it has, it hears 304 until something changed."""
    book.case()
    tell(ledger, Template.PAYMENT_FAILED)
    first = web.get(address())
    assert first.headers["cache-control"] == "private, max-age=60"
    again = {"If-None-Match": first.headers["etag"]}
    assert web.get(address(), headers=again).status_code == 304
    tell(ledger, Template.LAST_NOTICE)
    assert web.get(address(), headers=again).status_code == 200


def test_only_the_named_front_ends_may_read_it(web: TestClient, book: Book) -> None:
    """CORS: the origin of the settings, and no other."""
    answer = web.get(address(), headers={"Origin": APP})
    assert answer.headers["access-control-allow-origin"] == APP
    assert (
        "access-control-allow-origin"
        not in web.get(address(), headers={"Origin": "https://evil.example"}).headers
    )
    assert "origin" in answer.headers["vary"].lower()


def test_the_button_leads_to_the_customers_page(
    web: TestClient, book: Book, ledger: Ledger, billing: FakeBilling
) -> None:
    """Through the live link, or one that is made for the click; it shows the very invoice."""
    from tests.web.doubles import open_invoice

    billing.invoices = (open_invoice(),)
    book.case()
    tell(ledger, Template.PAYMENT_FAILED)
    url = urlsplit(web.get(address()).json()["url"])
    assert parse_qs(url.query).keys() == {"until", "proof"}
    first = web.get(f"{url.path}?{url.query}")
    assert first.status_code == 303
    page = web.get(urlsplit(first.headers["location"]).path)
    assert page.status_code == 200
    assert "ACME-in_1" in page.text
    again = web.get(f"{url.path}?{url.query}")
    assert again.headers["location"] == first.headers["location"]


def test_without_secrets_there_is_no_such_route(
    ledger: Ledger, gateway: FakeGateway, billing: FakeBilling, clock: StandingClock, settings: Settings
) -> None:
    """Nothing is served that nobody asked for; a secret that could be guessed is refused with its setting."""
    plain = settings.model_copy(update={"notice": settings.notice.model_copy(update={"secrets": ()})})
    with TestClient(assemble(plain, ledger, gateway, billing, clock)) as client:
        assert client.get(address()).status_code == 404
    weak = Settings.model_validate(settings.model_dump() | {"notice": {"secrets": ["short"]}})
    with pytest.raises(ConfigurationError, match="RECOUP_NOTICE__SECRETS"):
        notice_proofs(weak)


def test_every_notice_can_be_written_in_every_language() -> None:
    """Each level has words in each shipped language, and no word of one is left in the other."""
    NoticeComposer().check()
    from recoup.web.notice.reading import Standing
    from recoup.web.notice.words import _sample

    composer = NoticeComposer()
    for each in NoticeLevel:
        standing = Standing(() if each is NoticeLevel.NONE else (_sample(each),))
        words = [
            composer.words(standing, composer.languages.choose(name, name), "UTC") for name in ("en", "pl")
        ]
        assert (words[0] != words[1]) == (each is not NoticeLevel.NONE)


def test_the_webhooks_that_change_the_notice_say_so() -> None:
    """Every type of event is one or the other: what tells of the customer's debt or access changes the notice, what is between us and people does not."""
    keeps = {
        EventType.CASE_OPENED,
        EventType.ATTEMPT_HELD_BACK,
        EventType.OTHER_CHARGE_SEEN,
        EventType.CHANNEL_STOPPED,
        EventType.CHANNEL_OPENED,
        EventType.LINK_OPENED,
        EventType.UPDATE_ATTEMPTED,
        EventType.UPDATE_FAILED,
        EventType.CARD_UPDATED,
        EventType.PERSON_NEEDED,
        EventType.ASSIGNED,
        EventType.DECIDED_BY_DEFAULT,
        EventType.PAYMENT_GIVEN_BACK,
    }
    assert keeps | CHANGES_NOTICE == set(EventType)
    assert not keeps & CHANGES_NOTICE
