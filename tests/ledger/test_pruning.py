"""Retention: what only helps for a while goes once it is old, whatever else there is stays."""

from __future__ import annotations

from datetime import timedelta

import pytest
import sqlalchemy as sa

from recoup.ledger import Ledger, pruning
from recoup.ledger.console_schema import console_users
from recoup.ledger.rows import DeliveryState
from recoup.ledger.schema import deliveries, metadata
from tests.ledger.builders import NOW, a_case, after

OLD = timedelta(days=90)
KEPT = {
    "access": "the sweep looks for what is suspended still",
    "assignments": "who is in an experiment stays in it",
    "attempts": "the guard, figures and models",
    "card_imports": "where an import stands",
    "card_marks": "emptied when it is read",
    "cards": "a mirror; what is gone is taken out with the next import",
    "cases": "figures, the console",
    "channel_stops": "whoever said no is not written to, however long ago",
    "console_log": "nobody can change it",
    "console_users": "who may log in",
    "decisions": "nobody can change them",
    "destinations": "how far each has come",
    "erasing": "empty",
    "events": "nobody can change them",
    "exclusions": "who is left alone",
    "figure_blocks": "folded figures; those of other cases go by themselves",
    "figure_folds": "how far they are folded",
    "history_charges": "figures from before",
    "history_imports": "where an import stands",
    "history_invoices": "figures from before",
    "history_payments": "figures from before",
    "history_subscriptions": "figures from before",
    "invoices": "whose retries have to be given back",
    "links": "a link must be known to be refused",
    "message_invoices": "what was said already",
    "messages": "what was said already; funnels",
    "observed_charges": "the guard, figures",
    "refresh_targets": "nobody is asked twice by the same update",
    "refreshes": "the same",
    "renewals": "a mirror",
}
"""Why a table is not pruned."""


def test_every_table_is_pruned_or_has_a_reason() -> None:
    """A new table must be decided on."""
    assert not pruning.PRUNED & KEPT.keys()
    assert pruning.PRUNED | KEPT.keys() == set(metadata.tables)


def _filled(ledger: Ledger, name: str, age: timedelta) -> None:
    """A row of each kind that is so old."""
    at = NOW - age
    ledger.webhooks.seen(f"evt_{name}", "invoice.paid", None, at, at)
    ledger.rates.take(f"address/{name}", 1, 1.0, 5.0, at)
    ledger.console.open_session(f"hash-{name}", "kim", at, at)
    rows = [
        {"destination": "crm", "event": abs(hash(name + state.value)) % 10**9, "subject": "s", "state": state.value, "attempts": 1,
         "first_at": at, "last_at": at}
        for state in (DeliveryState.DELIVERED, DeliveryState.DEAD, DeliveryState.WAITING)
    ]  # fmt: skip
    with ledger._store.engine.begin() as conn:
        conn.execute(sa.insert(deliveries), rows)


def test_what_is_old_goes_and_nothing_else(ledger: Ledger, monkeypatch: pytest.MonkeyPatch) -> None:
    """Deliveries seen, idle buckets, ended sessions, made deliveries; not the young ones, not what was parked, not a case. In small portions the same."""
    monkeypatch.setattr(pruning, "BATCH", 2)
    with ledger._store.engine.begin() as conn:
        conn.execute(
            sa.insert(console_users).values(
                name="kim", role="admin", password="x", created_at=NOW, password_at=NOW
            )
        )
    for number in range(5):
        _filled(ledger, f"old{number}", OLD + timedelta(seconds=1 + number))
    _filled(ledger, "young", OLD - timedelta(seconds=1))
    ledger.cases.open(a_case("in_1", failed_at=NOW - 3 * OLD), NOW - 3 * OLD)
    gone = ledger.pruning.prune(NOW - OLD, NOW)
    assert gone == {"webhooks": 5, "rates": 5, "console_sessions": 5, "deliveries": 5}
    assert ledger.webhooks.get("evt_old1") is None
    assert ledger.webhooks.get("evt_young") is not None
    assert ledger.rates.get("address/young") is not None
    assert ledger.cases.get("in_1") is not None
    with ledger._store.engine.begin() as conn:
        left = conn.execute(sa.select(deliveries.c.state, sa.func.count()).group_by(deliveries.c.state)).all()
    assert {row[0]: row[1] for row in left} == {"delivered": 1, "dead": 6, "waiting": 6}
    assert set(ledger.pruning.prune(NOW - OLD, NOW).values()) == {0}


def test_what_may_still_be_asked_for_stays(ledger: Ledger) -> None:
    """Stripe can be asked to send an event of the last thirty days again: nothing so young is taken out."""
    with pytest.raises(ValueError, match="35 days"):
        ledger.pruning.prune(after(days=-34), NOW)
