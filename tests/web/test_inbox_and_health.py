"""The inbox of trials, and the health of the process."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fastapi.testclient import TestClient

from recoup.ledger import Ledger
from recoup.messages import OutboxSender, build_mime, compose, message_id, sample_facts
from recoup.rules.case import Template
from recoup.settings import Settings
from starter import assemble
from tests.web.doubles import NOW, FakeBilling, FakeGateway, StandingClock


@pytest.fixture
def mails(settings: Settings, clock: StandingClock) -> None:
    """A message in each of two languages."""
    sender = OutboxSender(settings.mail.outbox, clock)
    for locale in ("en", "pl"):
        composed = compose(sample_facts(Template.PAYMENT_FAILED, locale))
        key = f"in_1/{locale}"
        mime = build_mime(
            composed,
            sender=settings.mail.mailbox,
            recipient="jan@example.com",
            message_id=message_id(key, "acme.example"),
            date=NOW,
        )
        sender.send(
            mime, sender=settings.mail.sender, recipient="jan@example.com", key=key, tags={"locale": locale}
        )
        clock.at += timedelta(minutes=1)


@pytest.mark.usefixtures("mails")
def test_the_inbox_lists_the_newest_first(web: TestClient) -> None:
    """The page and the JSON have every mail, the newest first."""
    listed = web.get("/inbox.json").json()
    assert [mail["key"] for mail in listed] == ["in_1/pl", "in_1/en"]
    assert all(any("/u/" in link or "http" in link for link in mail["links"]) for mail in listed)
    page = web.get("/inbox").text
    assert page.index(listed[0]["id"]) < page.index(listed[1]["id"])


@pytest.mark.usefixtures("mails")
def test_a_mail_is_shown_in_a_frame_that_can_do_nothing(web: TestClient) -> None:
    """The HTML stands escaped in a sandboxed frame without scripts; the text part and the links stand beside it."""
    mail = web.get("/inbox.json").json()[0]
    page = web.get(f"/inbox/{mail['id']}")
    assert 'sandbox="allow-popups allow-popups-to-escape-sandbox"' in page.text
    assert 'srcdoc="&lt;base target=' in page.text
    assert mail["links"][0] in page.text
    assert "script-src" not in page.headers["content-security-policy"]


def test_an_empty_inbox_and_an_unknown_mail(web: TestClient) -> None:
    """No mail yet is a page; an id that is none is 404, whatever it holds."""
    assert "No message yet" in web.get("/inbox").text
    assert web.get("/inbox.json").json() == []
    for id_ in ("0" * 40, "..", "%2e%2e%2fsettings", "x" * 5000):
        assert web.get(f"/inbox/{id_}").status_code == 404


def test_the_inbox_is_off_unless_asked_for(
    settings: Settings, ledger: Ledger, gateway: FakeGateway, billing: FakeBilling, clock: StandingClock
) -> None:
    """Without the setting nobody can read the mails."""
    quiet = settings.model_copy(update={"starter": settings.starter.model_copy(update={"inbox": False})})
    with TestClient(assemble(quiet, ledger, gateway, billing, clock)) as client:
        for path in ("/inbox", "/inbox.json", f"/inbox/{'0' * 40}"):
            assert client.get(path).status_code == 404


def test_the_process_is_up_whatever_is_away(web: TestClient, gateway: FakeGateway) -> None:
    """/healthz asks nobody."""
    gateway.away = True
    assert web.get("/healthz").json() == {"status": "ok"}


def test_readiness_names_what_is_away(
    web: TestClient, gateway: FakeGateway, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """/readyz is 200 when Temporal and the database answer, otherwise 503 with the part that does not."""
    ready = web.get("/readyz")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "temporal": "ok", "ledger": "ok"})
    gateway.away = True
    away = web.get("/readyz")
    assert (away.status_code, away.json()["temporal"], away.json()["ledger"]) == (503, "away", "ok")

    def fail() -> None:
        from recoup.errors import ConnectionFailed

        raise ConnectionFailed("the database does not answer")

    monkeypatch.setattr(ledger, "check", fail)
    assert web.get("/readyz").json()["ledger"] == "away"
