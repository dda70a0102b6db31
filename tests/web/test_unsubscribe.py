"""Unsubscribing: one click of a mail program, or of the page; looking changes nothing."""

from __future__ import annotations

import pytest
from fastapi.testclient import TestClient
from structlog.testing import capture_logs

from recoup.ledger import Ledger
from recoup.links import UnsubscribeLinks, unsubscribe_links, update_links
from recoup.logs import mask_secrets
from recoup.rules.channels import Channel, StopReason
from recoup.settings import Settings
from tests.ledger.builders import a_message
from tests.web.conftest import Book
from tests.web.doubles import NOW


@pytest.fixture
def path(settings: Settings) -> str:
    """The path that the customer's mails carry."""
    address = unsubscribe_links(settings).address("cus_1", Channel.EMAIL)
    assert address.startswith(settings.public_url)
    return address.removeprefix(settings.public_url)


def _stopped(ledger: Ledger) -> StopReason | None:
    found = ledger.channels.stopped(Channel.EMAIL, ["cus_1"])
    return found.reason if found else None


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_looking_unsubscribes_nobody(web: TestClient, ledger: Ledger, path: str, method: str) -> None:
    """Scanners follow links: the page shows one button and changes nothing."""
    response = web.request(method, path)
    assert response.status_code == 200
    assert method == "HEAD" or response.text.count("<button") == 1
    assert _stopped(ledger) is None
    assert ledger.events.since(0) == []


@pytest.mark.parametrize(
    "body",
    [
        {"data": {"List-Unsubscribe": "One-Click"}},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b""},
    ],
    ids=["form", "multipart", "empty"],
)
def test_one_click_stops_the_channel_at_once(
    web: TestClient, ledger: Ledger, path: str, body: dict[str, object]
) -> None:
    """As RFC 8058 has it: no cookie, no redirect; whichever form the mail program sends. Sent again it changes nothing."""
    for _ in range(2):
        response = web.post(path, **body)  # type: ignore[arg-type]
        assert response.status_code == 200
        assert "no more of these mails" in response.text
        assert "set-cookie" not in response.headers
    assert _stopped(ledger) is StopReason.UNSUBSCRIBED
    assert [(event.kind, event.actor) for event in ledger.events.since(0)] == [
        ("channel_stopped", "customer")
    ]


def test_the_page_of_who_has_left_says_so(web: TestClient, path: str) -> None:
    """After it, looking shows no button any more."""
    web.post(path)
    shown = web.get(path)
    assert "<button" not in shown.text
    assert "write to us" in shown.text


def test_the_page_speaks_the_customers_language(web: TestClient, book: Book, path: str) -> None:
    """That of the latest message before the browser's."""
    assert "No more mails" in web.get(path, headers={"accept-language": "en"}).text
    book.case("in_1")
    book.ledger.messages.reserve(a_message(locale="pl-PL"), NOW)
    assert "Koniec wiadomości o płatnościach?" in web.get(path, headers={"accept-language": "en"}).text


def test_a_token_of_somebody_else_opens_nothing(
    web: TestClient, ledger: Ledger, settings: Settings, path: str
) -> None:
    """Made up, changed, cut, or that of an update link: 404, and nothing is stopped."""
    other = UnsubscribeLinks(["another secret altogether"], settings.public_url)
    made_up = other.address("cus_1", Channel.EMAIL).removeprefix(settings.public_url)
    update = update_links(settings).token("cus_1", 1)
    for wrong in (made_up, path + "x", path[:-3], f"/unsubscribe/{update}", "/unsubscribe/" + "a" * 400):
        response = web.post(wrong)
        assert response.status_code == 404
        assert "There is no such page" in response.text
    assert _stopped(ledger) is None


def test_another_contacts_link_stops_their_address_alone(
    web: TestClient, ledger: Ledger, settings: Settings
) -> None:
    """Somebody else of the account leaves, and the customer is still written to; looking changes nothing here either."""
    links = unsubscribe_links(settings)
    theirs = links.address("cus_1", Channel.EMAIL, "address/abc").removeprefix(settings.public_url)
    assert web.get(theirs).text.count("<button") == 1
    assert web.post(theirs).status_code == 200
    assert "<button" not in web.get(theirs).text
    assert _stopped(ledger) is None
    found = ledger.channels.stopped(Channel.EMAIL, ["address/abc"])
    assert found is not None
    assert found.reason is StopReason.UNSUBSCRIBED


def test_an_older_secret_still_unsubscribes(web: TestClient, ledger: Ledger, settings: Settings) -> None:
    """While a secret is rolled, mails that were signed with it keep their promise."""
    old = UnsubscribeLinks(settings.link_secrets[:1], "")
    assert web.post(old.address("cus_1", Channel.EMAIL)).status_code == 200
    assert _stopped(ledger) is StopReason.UNSUBSCRIBED


def test_one_click_is_promised_over_https_alone() -> None:
    """RFC 8058, 3.1: with another address the mail carries the plain header of RFC 2369."""
    secret = ["a secret of the tests"]
    assert set(UnsubscribeLinks(secret, "http://127.0.0.1:8787").headers("cus_1")) == {"List-Unsubscribe"}
    assert set(UnsubscribeLinks(secret, "https://pay.example").headers("cus_1")) == {
        "List-Unsubscribe",
        "List-Unsubscribe-Post",
    }


def test_no_token_gets_into_the_log(web: TestClient, path: str) -> None:
    """The request's line names the route, and a path that turns up elsewhere is blackened."""
    with capture_logs() as logs:
        web.post(path)
    assert path.rpartition("/")[2] not in repr(logs)
    assert mask_secrets(None, "", {"at": f"see {path}"}) == {"at": "see /unsubscribe/…"}
