"""The outbox: each message once, whole or not at all, and readable."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from threading import Barrier

import pytest

from recoup.errors import ConfigurationError
from recoup.messages import Outbox, OutboxSender, SendUnavailable
from tests.messages.sample import ENVELOPE, KEY, MIME, RECIPIENT, SENDER, WRITTEN


class FixedClock:
    """A clock that stands still."""

    def __init__(self, *moments: datetime) -> None:
        self._moments = list(moments)

    def now(self) -> datetime:
        return self._moments.pop(0) if len(self._moments) > 1 else self._moments[0]


NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def test_a_message_is_written_and_can_be_read(tmp_path: Path) -> None:
    """The whole message and what it is stand in the directory, dated by the given clock."""
    directory = tmp_path / "new" / "outbox"
    receipt = OutboxSender(directory, FixedClock(NOON)).send(MIME, **ENVELOPE)
    outbox = Outbox(directory)
    [mail] = outbox.list()
    assert (mail.id, mail.key, mail.to, mail.at) == (receipt.provider_id, KEY, RECIPIENT, NOON)
    assert (mail.subject, mail.template, mail.locale) == (WRITTEN.subject, "payment_failed", "pl")
    assert mail.links == (
        "https://billing.northwind.example/u/sample-link",
        "https://invoice.stripe.com/i/sample",
    )
    assert outbox.get(mail.id) == mail
    assert outbox.mime(mail.id) == MIME
    assert (outbox.text(mail.id) or "").replace("\r\n", "\n") == WRITTEN.text
    assert "<!doctype html>" in (outbox.html(mail.id) or "")


def test_a_key_is_written_once(tmp_path: Path) -> None:
    """A second message under the same key gets the receipt of the first and changes nothing."""
    sender = OutboxSender(tmp_path, FixedClock(NOON))
    first = sender.send(MIME, **ENVELOPE)
    assert sender.send(MIME.replace(b"Northwind", b"Southwind"), **ENVELOPE) == first
    assert Outbox(tmp_path).mime(first.provider_id) == MIME
    assert len(list(tmp_path.iterdir())) == 2


def test_what_was_written_can_be_looked_up(tmp_path: Path) -> None:
    """The outbox knows for each key whether it was sent."""
    sender = OutboxSender(tmp_path)
    assert sender.find(KEY) is None
    assert sender.find(sender.send(MIME, **ENVELOPE).provider_id) is None
    assert sender.find(KEY) == Outbox(tmp_path).list()[0].id


def test_many_at_once_leave_one(tmp_path: Path) -> None:
    """Of several senders with the same key at the same moment one wins, all get its receipt, and no rubbish stays."""
    gate = Barrier(8)

    def send(number: int) -> str:
        gate.wait()
        return (
            OutboxSender(tmp_path)
            .send(MIME.replace(b"Northwind", b"Wind%05d" % number), **ENVELOPE)
            .provider_id
        )

    with ThreadPoolExecutor(8) as pool:
        ids = set(pool.map(send, range(8)))
    assert len(ids) == 1
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".eml", ".json"]


def test_a_death_while_writing_leaves_nothing_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cut off before the message appears, it is not sent, not listed, and a later try sends it."""
    sender, link = OutboxSender(tmp_path), os.link

    def die_on_the_message(source: str, target: Path) -> None:
        if target.suffix == ".eml":
            raise KeyboardInterrupt
        link(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(os, "link", die_on_the_message)
        with pytest.raises(KeyboardInterrupt):
            sender.send(MIME, **ENVELOPE)
    assert sender.find(KEY) is None
    assert Outbox(tmp_path).list() == []
    assert sender.send(MIME, **ENVELOPE).provider_id == sender.find(KEY)
    assert len(Outbox(tmp_path).list()) == 1


def test_the_newest_comes_first(tmp_path: Path) -> None:
    """Messages are listed from the newest to the oldest."""
    sender = OutboxSender(tmp_path, FixedClock(NOON, NOON.replace(hour=14), NOON.replace(hour=13)))
    for key in ("a", "b", "c"):
        sender.send(MIME, sender=SENDER, recipient=RECIPIENT, key=key, tags={})
    assert [mail.key for mail in Outbox(tmp_path).list()] == ["b", "c", "a"]


def test_an_outbox_nobody_wrote_to_is_empty(tmp_path: Path) -> None:
    """A directory that does not exist yet holds no messages."""
    assert Outbox(tmp_path / "none").list() == []


@pytest.mark.parametrize("mail_id", ["../secret", "a" * 40, "", "A" * 40, "/etc/passwd"])
def test_only_ids_are_opened(tmp_path: Path, mail_id: str) -> None:
    """An id that is none, a path above all, opens nothing."""
    (tmp_path / "outbox").mkdir()
    (tmp_path / "secret.eml").write_text("x")
    (tmp_path / "secret.json").write_text("{}")
    outbox = Outbox(tmp_path / "outbox")
    assert outbox.get(mail_id) is None
    assert outbox.mime(mail_id) is None
    assert outbox.html(mail_id) is None


def test_a_directory_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """Sending says "try again", checking says what to set."""
    blocked = tmp_path / "file"
    blocked.write_text("")
    sender = OutboxSender(blocked / "outbox")
    with pytest.raises(SendUnavailable, match="cannot be written"):
        sender.send(MIME, **ENVELOPE)
    with pytest.raises(ConfigurationError, match=r"set mail\.outbox"):
        sender.check()
    OutboxSender(tmp_path / "fine").check()
    assert list((tmp_path / "fine").iterdir()) == []
