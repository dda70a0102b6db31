"""Links: one that works for each customer and purpose, extended while it lives, gone when revoked."""

from __future__ import annotations

import base64

import pytest

from recoup.ledger import Ledger, NotInLedger
from tests.ledger.builders import NOW, after, at_once, kinds


def test_live_link_is_reused_and_extended(ledger: Ledger) -> None:
    """A customer's later messages carry the same link, which then works until the latest expiry asked for."""
    first = ledger.links.issue("cus_1", "update", after(days=45), NOW)
    longer = ledger.links.issue("cus_1", "update", after(days=60), after(days=15))
    shorter = ledger.links.issue("cus_1", "update", after(days=30), after(days=16))
    assert first.id == longer.id == shorter.id
    assert longer.expires_at == shorter.expires_at == after(days=60)
    assert ledger.links.get(first.id) == shorter
    assert kinds(ledger) == ["link_issued", "link_extended"]


def test_link_cannot_be_guessed_and_stays_out_of_the_events(ledger: Ledger) -> None:
    """An id carries 192 random bits, differs for everybody, and no event shows it."""
    rows = [ledger.links.issue(f"cus_{n}", "update", after(days=45), NOW) for n in range(20)]
    assert len({row.id for row in rows}) == 20
    assert all(len(base64.urlsafe_b64decode(row.id)) == 24 for row in rows)
    ledger.links.note_opened(rows[0].id, NOW)
    ledger.links.revoke(rows[0].id, NOW)
    record = "".join(event.model_dump_json() for event in ledger.events.since(0))
    assert rows[0].id not in record


def test_purposes_and_customers_have_links_of_their_own(ledger: Ledger) -> None:
    """One customer's link for one purpose is not another's."""
    first = ledger.links.issue("cus_1", "update", after(days=45), NOW)
    assert ledger.links.issue("cus_1", "preferences", after(days=45), NOW).id != first.id
    assert ledger.links.issue("cus_2", "update", after(days=45), NOW).id != first.id


def test_expired_link_is_replaced(ledger: Ledger) -> None:
    """After its expiry a link stays expired, and a new one of the next generation takes its place."""
    old = ledger.links.issue("cus_1", "update", after(days=45), NOW)
    assert old.refusal(after(days=44)) is None
    assert old.refusal(after(days=45)) == "expired"
    new = ledger.links.issue("cus_1", "update", after(days=90), after(days=45))
    assert new.id != old.id
    assert (old.generation, new.generation) == (1, 2)
    kept = ledger.links.get(old.id)
    assert kept is not None
    assert kept.refusal(after(days=50)) == "expired"


def test_revoked_link_stops_at_once(ledger: Ledger) -> None:
    """A revoked link is refused from then on, and the next message gets another one."""
    link = ledger.links.issue("cus_1", "update", after(days=45), NOW)
    revoked = ledger.links.revoke(link.id, after(days=1))
    assert revoked.refusal(after(days=1)) == "revoked"
    assert ledger.links.revoke(link.id, after(days=2)) == revoked
    assert ledger.links.issue("cus_1", "update", after(days=45), after(days=2)).id != link.id
    assert kinds(ledger) == ["link_issued", "link_revoked", "link_issued"]


def test_all_links_of_a_customer_can_be_revoked(ledger: Ledger) -> None:
    """Every link of the customer ends, expired ones too; other customers keep theirs."""
    mine = [ledger.links.issue("cus_1", purpose, after(days=1), NOW) for purpose in ("update", "preferences")]
    other = ledger.links.issue("cus_2", "update", after(days=45), NOW)
    assert ledger.links.revoke_all("cus_1", after(days=2)) == 2
    assert ledger.links.revoke_all("cus_1", after(days=3)) == 0
    states = [ledger.links.get(link.id) for link in mine]
    assert [row.refusal(after(days=3)) for row in states if row] == ["revoked", "revoked"]
    assert ledger.links.get(other.id) == other


def test_openings_are_counted_and_recorded_once_an_hour(ledger: Ledger) -> None:
    """Every opening and use counts in the row, but nobody can flood the record from outside."""
    link = ledger.links.issue("cus_1", "update", after(days=45), NOW)
    for minute in range(30):
        ledger.links.note_opened(link.id, after(minutes=minute))
    opened = ledger.links.note_opened(link.id, after(hours=2))
    assert (opened.opens, opened.opened_at) == (31, NOW)
    used = ledger.links.note_used(link.id, after(hours=3))
    assert (used.uses, used.used_at, used.opens) == (1, after(hours=3), 31)
    assert kinds(ledger) == ["link_issued", "link_opened", "link_opened", "link_used"]


def test_unknown_link_is_an_error_that_does_not_repeat_it(ledger: Ledger) -> None:
    """A made-up id is not found, and the error does not carry it into a log."""
    assert ledger.links.get("made-up") is None
    with pytest.raises(NotInLedger) as caught:
        ledger.links.note_used("made-up", NOW)
    assert "made-up" not in str(caught.value)


def test_link_that_is_over_before_it_begins_is_refused(ledger: Ledger) -> None:
    """A link must work for a while."""
    with pytest.raises(ValueError, match="later"):
        ledger.links.issue("cus_1", "update", NOW, NOW)


def test_eight_messages_at_once_carry_one_link(ledger: Ledger) -> None:
    """Eight messages to one customer at the same time get the same link, working until the latest expiry."""
    links = at_once(8, lambda n: ledger.links.issue("cus_1", "update", after(days=40 + n), NOW))
    assert len({link.id for link in links}) == 1
    final = ledger.links.get(links[0].id)
    assert final is not None
    assert final.expires_at == after(days=47)
