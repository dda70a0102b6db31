"""Which webhooks mark a customer, whose cards and subscriptions are then read again for the mirror."""

from __future__ import annotations

from typing import Any

import pytest

from recoup.ledger import Ledger
from tests.web import stripe_events as told
from tests.web.conftest import Hook

CARD = {"card": {"exp_year": 2026}}


@pytest.mark.parametrize(
    ("type_", "previous"),
    [
        ("customer.subscription.created", None),
        ("customer.subscription.updated", {"items": {}}),
        ("customer.subscription.deleted", None),
        ("customer.subscription.paused", None),
        ("customer.subscription.resumed", None),
        ("customer.updated", {"invoice_settings": {"default_payment_method": "pm_1"}}),
        ("customer.deleted", None),
        ("payment_method.attached", None),
        ("payment_method.updated", CARD),
        ("payment_method.automatically_updated", CARD),
        ("payment_method.detached", {"customer": "cus_1"}),
    ],
)
def test_a_change_marks_the_customer(
    hook: Hook, ledger: Ledger, type_: str, previous: dict[str, Any] | None
) -> None:
    """Also where no case is concerned, and however often it is told."""
    event = told.event(type_, told.LIFE[type_], previous)
    hook(event)
    hook(event)
    assert [mark.customer for mark in ledger.mirror.marked(10)] == ["cus_1"]


@pytest.mark.parametrize(
    ("type_", "obj", "previous"),
    [
        ("customer.updated", told.customer(), {"email": "old@example.com", "name": "Old"}),
        ("invoice.paid", told.paid_invoice(), None),
        ("payment_method.attached", told.method(customer=None), None),
        ("payment_method.detached", told.method(customer=None), {"customer": ["?"]}),
        ("payment_method.detached", told.method(customer=None), {"customer": "x" * 300}),
    ],
)
def test_other_events_mark_nobody(
    hook: Hook, ledger: Ledger, type_: str, obj: dict[str, Any], previous: dict[str, Any] | None
) -> None:
    """A new address or a payment changes no card; what names no customer marks none."""
    hook(told.event(type_, obj, previous))
    assert ledger.mirror.marked(10) == []
