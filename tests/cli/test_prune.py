"""``recoup prune``."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

import pytest

from recoup.clock import SystemClock
from recoup.ledger import Ledger
from tests.cli.conftest import Recoup


def test_it_says_what_went(recoup: Recoup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An event seen a hundred days ago goes, one of this month stays; the count is told in words and as JSON, and less than 35 days is refused."""
    monkeypatch.setenv("RECOUP_DATABASE_URL", f"sqlite:///{tmp_path}/ledger.db")
    ledger, now = Ledger.connect(f"sqlite:///{tmp_path}/ledger.db"), SystemClock().now()
    ledger.migrate()
    for name, days in (("evt_1", 100), ("evt_2", 30)):
        ledger.webhooks.seen(name, "invoice.paid", None, now, now - timedelta(days=days))
    told = json.loads(recoup("prune", "--json").out)
    assert told == {
        "days": 90,
        "removed": {"webhooks": 1, "rates": 0, "console_sessions": 0, "deliveries": 0},
    }
    assert "0 × webhooks" in recoup("prune").out
    assert ledger.webhooks.get("evt_2") is not None
    ledger.close()
    refused = recoup("prune", "--days", "10")
    assert refused.code == 2
