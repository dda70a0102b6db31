"""Webhooks, access and invoices: what was delivered, what was restricted, what was changed at Stripe."""

from __future__ import annotations

import pytest

from recoup.ledger import AccessMeans, Ledger, NotInLedger
from recoup.rules.case import Access
from tests.ledger.builders import NOW, after, at_once, kinds


def test_event_of_stripe_is_new_once(ledger: Ledger) -> None:
    """The first delivery of an event is new, every further one is counted."""
    assert ledger.webhooks.seen("evt_1", "invoice.payment_failed", "in_1", after(seconds=-5), NOW)
    assert not ledger.webhooks.seen(
        "evt_1", "invoice.payment_failed", "in_1", after(seconds=-5), after(hours=1)
    )
    row = ledger.webhooks.get("evt_1")
    assert row is not None
    assert (row.type, row.object_id, row.deliveries) == ("invoice.payment_failed", "in_1", 2)
    assert (row.created, row.first_at, row.last_at) == (after(seconds=-5), NOW, after(hours=1))
    assert ledger.webhooks.get("evt_2") is None


def test_twenty_deliveries_at_once_are_new_once(ledger: Ledger) -> None:
    """Of deliveries that come at the same time exactly one is new."""
    new = at_once(8, lambda _: ledger.webhooks.seen("evt_1", "invoice.paid", None, NOW, NOW))
    assert sum(new) == 1


def test_access_is_noted_by_subscription(ledger: Ledger) -> None:
    """Suspending and restoring change the row and are recorded; saying the same again is nothing."""
    assert ledger.access.get("sub_1") is None
    row = ledger.access.note("sub_1", "cus_1", Access.SUSPENDED, AccessMeans.PAUSED, "in_1", NOW)
    assert (row.state, row.how, row.case_id, row.changed_at) == ("suspended", "paused", "in_1", NOW)
    again = ledger.access.note("sub_1", "cus_1", Access.SUSPENDED, AccessMeans.PAUSED, "in_1", after(hours=1))
    assert again == row == ledger.access.get("sub_1")
    full = ledger.access.note("sub_1", "cus_1", Access.FULL, AccessMeans.NONE, "in_1/r2", after(days=1))
    assert (full.state, full.changed_at) == (Access.FULL, after(days=1))
    assert kinds(ledger) == ["access_suspended", "access_full"]


def test_takeover_keeps_the_first_word(ledger: Ledger) -> None:
    """What the invoice said before Recoup changed it is not overwritten by what Recoup made of it."""
    assert ledger.invoices.takeover("in_1") is None
    row = ledger.invoices.note_takeover("in_1", auto_advance_before=True, at=NOW)
    assert ledger.invoices.note_takeover("in_1", auto_advance_before=False, at=after(hours=1)) == row
    assert ledger.invoices.takeover("in_1") == row
    released = ledger.invoices.note_released("in_1", after(days=1))
    assert (released.auto_advance_before, released.released_at) == (True, after(days=1))
    assert ledger.invoices.note_released("in_1", after(days=2)) == released
    again = ledger.invoices.note_takeover("in_1", auto_advance_before=False, at=after(days=3))
    assert (again.auto_advance_before, again.released_at, again.taken_over_at) == (False, None, after(days=3))
    assert kinds(ledger) == ["invoice_taken_over", "invoice_released", "invoice_taken_over"]


def test_only_a_takeover_can_be_released(ledger: Ledger) -> None:
    """An invoice that Recoup never changed has nothing to put back."""
    with pytest.raises(NotInLedger, match="in_1"):
        ledger.invoices.note_released("in_1", NOW)
