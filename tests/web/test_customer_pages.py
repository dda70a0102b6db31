"""The pages behind an update link."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from recoup.ledger import Ledger
from recoup.ledger import NewMessage as Told
from recoup.rules.case import Outcome, Template
from recoup.web.customer._language import accepted
from tests.web.conftest import Book
from tests.web.doubles import NOW, FakeBilling, FakeGateway, StandingClock, open_invoice

FORM = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}


@pytest.fixture
def owing(billing: FakeBilling, book: Book) -> str:
    """A customer with one case, and the path of the link."""
    billing.invoices = (open_invoice(),)
    book.case()
    return book.link()


def test_the_page_says_what_is_owed_and_what_happens_otherwise(web: TestClient, owing: str) -> None:
    """The amount, the plan, the day of the suspension, the button and the other way to pay."""
    page = web.get(owing)
    assert page.status_code == 200
    for text in (
        "A payment is open",
        "PLN\u00a01,234.50",
        "Team plan, monthly",
        "Invoice ACME-in_1",
        "December 13, 2026",
        "Sunday",
        f'action="{owing}/method"',
        'href="https://invoice.stripe.example/in_1"',
        "help@acme.example",
    ):
        assert text in page.text, text
    assert '<html lang="en">' in page.text


def test_the_page_never_acts(web: TestClient, owing: str, billing: FakeBilling, gateway: FakeGateway) -> None:
    """Mail scanners follow links: reading a hundred times opens no portal and tells no case."""
    for _ in range(3):
        web.get(owing)
        assert web.head(owing).status_code == 200
        web.get(f"{owing}/done")
    assert billing.portals == []
    assert (gateway.begun, gateway.told, gateway.updates) == ({}, [], [])
    assert web.get(f"{owing}/method").status_code == 405


def test_the_page_is_kept_private(web: TestClient, owing: str) -> None:
    """Not cached, not framed, not indexed, not told to other sites, no script."""
    headers = web.get(owing).headers
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"
    assert headers["x-robots-tag"] == "noindex, nofollow"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"].startswith("max-age=")
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe-inline" not in policy


def test_polish_is_right(web: TestClient, book: Book, billing: FakeBilling) -> None:
    """Plural, amount and date as a Polish reader expects them."""
    billing.locale = "pl"
    billing.invoices = tuple(open_invoice(f"in_{number}") for number in (1, 2))
    book.case("in_1")
    book.case("in_2")
    text = web.get(book.link()).text
    assert '<html lang="pl">' in text
    for words in (
        "Są 2 zaległe płatności",
        "1\u00a0234,50\u00a0zł",
        "2\u00a0469,00\u00a0zł",
        "13 grudnia 2026",
        "niedziela",
        "Razem",
    ):
        assert words in text, words


@pytest.mark.parametrize(
    ("stripe", "browser", "language"),
    [
        ("pl-PL", "en", "pl-PL"),
        ("en-GB", "pl", "en-GB"),
        (None, "pl,en;q=0.8", "pl"),
        (None, "de,pl;q=0.5", "pl"),
        ("xx", "pl", "pl"),
        ("de,pl", "en", "pl"),
        (None, "fi", "en"),
        (None, "", "en"),
    ],
)
def test_stripes_word_on_the_language_comes_before_the_browsers(
    web: TestClient, owing: str, billing: FakeBilling, stripe: str | None, browser: str, language: str
) -> None:
    """The customer's language at Stripe, then the browser's, then the default."""
    billing.locale = stripe
    assert f'<html lang="{language}">' in web.get(owing, headers={"Accept-Language": browser}).text


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        (None, []),
        ("pl", ["pl"]),
        ("en;q=0.5, pl", ["pl", "en"]),
        ("*, pl;q=0, en;q=x, de;q=7, fr;level=1", []),
        (";;;,,,;q=1", []),
        ("pl-PL,pl;q=0.9,en-US;q=0.8", ["pl-PL", "pl", "en-US"]),
    ],
)
def test_accept_language_is_read(header: str | None, languages: list[str]) -> None:
    """By weight, leaving out what cannot be read."""
    assert accepted(header) == languages


def test_currencies_are_never_added_up(web: TestClient, book: Book, billing: FakeBilling) -> None:
    """Each currency has its own total."""
    billing.invoices = (
        open_invoice("in_1", 1000, "eur"),
        open_invoice("in_2", 500, "jpy"),
        open_invoice("in_3", 2000, "eur"),
    )
    for invoice in billing.invoices:
        book.case(invoice.id, currency=invoice.due.currency)
    text = web.get(book.link()).text
    assert "€30.00 and ¥500" in text


def test_only_invoices_with_a_case_are_shown(
    web: TestClient, owing: str, billing: FakeBilling, book: Book
) -> None:
    """A one-off invoice, and one whose case was stopped, are none of this page's business."""
    billing.invoices = (open_invoice("in_1"), open_invoice("in_other", 999), open_invoice("in_stopped", 777))
    book.end(book.case("in_stopped"), Outcome.CLOSED_STOPPED)
    text = web.get(owing).text
    assert "ACME-in_1" in text
    assert "in_other" not in text
    assert "in_stopped" not in text


def test_after_the_suspension_the_way_back_is_open(web: TestClient, owing: str, book: Book) -> None:
    """The page says that access is suspended and comes back, names no day, and still offers both ways to pay."""
    book.end("in_1", Outcome.LOST_SUSPENDED)
    text = web.get(owing).text
    assert "Your access is suspended" in text
    assert "will be suspended" not in text
    assert "Update payment method" in text


def test_nothing_owed_is_a_friendly_page(web: TestClient, owing: str, billing: FakeBilling) -> None:
    """Nothing is asked for, and whoever has a new card can still put it on file for the payments to come."""
    billing.invoices = ()
    page = web.get(owing)
    assert page.status_code == 200
    assert "Everything is paid" in page.text
    assert "The payments to come are then made with it" in page.text
    assert "We could not collect" not in page.text
    assert web.post(f"{owing}/method").status_code == 303
    assert "Your new payment method has been passed on" in web.get(f"{owing}/done").text


def test_a_payment_under_way_is_not_paid_twice(web: TestClient, owing: str, book: Book) -> None:
    """While the bank works on an attempt, the page says so and offers no second payment of that invoice."""
    book.attempt()
    text = web.get(owing).text
    assert "being processed" in text
    assert "invoice.stripe.example" not in text


def test_the_suspension_follows_the_last_notice(
    web: TestClient, owing: str, ledger: Ledger, clock: StandingClock
) -> None:
    """A last notice that went out late moves the day, as the rules promise."""
    clock.move(days=20)
    ledger.messages.reserve(
        Told(
            key="in_1/last_notice",
            case_id="in_1",
            customer="cus_1",
            template=Template.LAST_NOTICE,
            channel="email",
            locale="en",
        ),
        clock.now(),
    )
    ledger.messages.begin_sending("in_1/last_notice", clock.now())
    ledger.messages.mark_sent("in_1/last_notice", None, clock.now())
    assert "December 15, 2026" in web.get(owing).text


def test_days_are_told_in_the_customers_zone(web: TestClient, owing: str, billing: FakeBilling) -> None:
    """The same moment is another day where the customer lives, as in the mail."""
    billing.timezone = "Pacific/Kiritimati"
    assert "December 13, 2026" in web.get(owing).text
    billing.timezone = "Pacific/Pago_Pago"
    assert "December 12, 2026" in web.get(owing).text


def test_the_planned_suspension_is_told_as_planned(web: TestClient, owing: str, ledger: Ledger) -> None:
    """Where the case has the suspension as its next step, the page tells that very day."""
    from recoup.rules.case import Stage

    day = NOW + timedelta(days=30)
    ledger.cases.note(
        "in_1", Stage.WARNED, NOW, next_kind="suspend", next_at=day, next_because="nothing was paid"
    )
    assert "December 22, 2026" in web.get(owing).text


@pytest.mark.parametrize("suffix", ["", "/done"])
def test_a_tampered_link_is_404(web: TestClient, owing: str, suffix: str) -> None:
    """An address that was not signed here shows nothing."""
    page = web.get(owing[:-3] + "AAA" + suffix)
    assert page.status_code == 404
    assert "There is no such page" in page.text
    assert "1,234.50" not in page.text


def test_an_expired_link_is_410(
    web: TestClient, owing: str, clock: StandingClock, billing: FakeBilling
) -> None:
    """By Recoup's clock; the page asks for the latest message and leaks nothing, and the form does not act either."""
    clock.move(days=46)
    page = web.get(owing)
    assert page.status_code == 410
    assert "no longer works" in page.text
    assert "1,234.50" not in page.text
    assert web.post(f"{owing}/method", headers=FORM).status_code == 410
    assert billing.portals == []


def test_a_revoked_link_is_410(web: TestClient, owing: str, ledger: Ledger, billing: FakeBilling) -> None:
    """Revoked by the operator: gone at once."""
    ledger.links.revoke_all("cus_1", NOW)
    assert web.get(owing).status_code == 410
    assert web.post(f"{owing}/method", headers=FORM).status_code == 410
    assert billing.portals == []


def test_the_form_leads_to_a_fresh_page_of_stripes(web: TestClient, owing: str, billing: FakeBilling) -> None:
    """Each POST makes a new session for the link's customer, and comes back to this link."""
    first = web.post(f"{owing}/method", headers=FORM)
    second = web.post(f"{owing}/method", headers=FORM)
    assert (first.status_code, second.status_code) == (303, 303)
    assert first.headers["location"] != second.headers["location"]
    back = f"https://pay.acme.example{owing}"
    assert billing.portals == [("cus_1", back, f"{back}/done")] * 2
    assert first.headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 303),
        ({"Sec-Fetch-Site": "none"}, 303),
        ({"Origin": "https://pay.acme.example"}, 303),
        ({"Origin": "null"}, 303),
        ({}, 303),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://pay.acme.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://pay.acme.example"}, 403),
    ],
)
def test_a_form_of_another_site_is_refused(
    web: TestClient, owing: str, billing: FakeBilling, headers: dict[str, str], status: int
) -> None:
    """Sec-Fetch-Site decides where there is one, the Origin otherwise."""
    assert web.post(f"{owing}/method", headers=headers).status_code == status
    assert bool(billing.portals) == (status == 303)


@pytest.mark.parametrize("path", ["", "/done", "/method"])
def test_stripe_away_asks_to_try_again(web: TestClient, owing: str, billing: FakeBilling, path: str) -> None:
    """Stripe does not answer: 503 with a page in the browser's language, and nothing happened."""
    billing.away = True
    headers = FORM | {"Accept-Language": "pl"}
    page = (
        web.post(owing + path, headers=headers)
        if path == "/method"
        else web.get(owing + path, headers=headers)
    )
    assert page.status_code == 503
    assert page.headers["retry-after"] == "60"
    assert "Prosimy spróbować za chwilę" in page.text


def test_an_unknown_currency_is_not_guessed(web: TestClient, owing: str, billing: FakeBilling) -> None:
    """An amount whose minor unit nobody knows is not shown a hundred times too large; the log names the currency."""
    billing.invoices = (open_invoice(currency="xyz"),)
    with capture_logs() as logs:
        assert web.get(owing).status_code == 503
    assert any("'xyz'" in str(line.get("reason")) for line in logs)


def test_the_thanks_say_what_happens_now(
    web: TestClient, owing: str, billing: FakeBilling, ledger: Ledger
) -> None:
    """While it is open: collecting now. Paid, or the link ended meanwhile: everything is paid."""
    assert "We are now collecting" in web.get(f"{owing}/done").text
    billing.invoices = ()
    assert "Everything is paid" in web.get(f"{owing}/done").text
    ledger.links.revoke_all("cus_1", NOW)
    page = web.get(f"{owing}/done")
    assert page.status_code == 200
    assert "Thank you" in page.text


def test_opening_and_using_are_counted(web: TestClient, owing: str, ledger: Ledger) -> None:
    """The ledger knows that the page was shown and that the customer acted; a HEAD is neither."""
    web.head(owing)
    web.get(owing)
    web.post(f"{owing}/method", headers=FORM)
    kinds = [row.kind for row in ledger.events.of_customer("cus_1")]
    assert kinds.count("link_opened") == 1
    assert kinds.count("link_used") == 1


def test_tokens_are_not_logged(web: TestClient, owing: str) -> None:
    """The log has the route in place of the path."""
    token = owing.removeprefix("/u/")
    with capture_logs() as logs:
        web.get(owing)
        web.get(f"{owing}?utm_source={token}")
        web.post(f"{owing}/method", headers=FORM)
        web.get(owing + "/nowhere")
        web.get(owing[:-3])
    requests = [line["route"] for line in logs if line["event"] == "request"]
    assert requests == ["/u/{token}", "/u/{token}", "/u/{token}/method", "unmatched", "/u/{token}"]
    assert token[:20] not in str(logs)


def test_what_customers_typed_is_escaped(web: TestClient, owing: str, billing: FakeBilling) -> None:
    """A plan or an address from outside is text, never markup and never a script."""
    billing.invoices = (
        open_invoice(description="<script>alert(1)</script>", number='"><b>', pay_url="javascript:alert(1)"),
    )
    text = web.get(owing).text
    assert "<script>" not in text
    assert "<b>" not in text
    assert "javascript:" not in text


def test_the_page_names_nobody(web: TestClient, owing: str) -> None:
    """Whoever got hold of the link learns what is owed, not by whom."""
    text = web.get(owing).text
    for private in ("cus_1", "sub_1", "pm_1"):
        assert private not in text


@pytest.mark.parametrize("method", ["get", "post"])
def test_other_addresses_are_404(web: TestClient, method: str) -> None:
    """There is no interface description, and nothing under other names."""
    for path in ("/", "/docs", "/redoc", "/openapi.json", "/u/", "/u"):
        answer: Any = getattr(web, method)(path)
        assert answer.status_code == 404
        assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_the_style_sheet_is_served(web: TestClient, owing: str) -> None:
    """The page's one asset is there."""
    assert 'href="/assets/pages.css"' in web.get(owing).text
    sheet = web.get("/assets/pages.css")
    assert sheet.status_code == 200
    assert sheet.headers["content-type"].startswith("text/css")
