"""Several writes as one transaction."""

from __future__ import annotations

import threading

import pytest

from recoup.ledger import Ledger
from tests.ledger.builders import NOW, a_case, kinds


def test_what_is_written_as_one_is_written_whole_or_not_at_all(ledger: Ledger) -> None:
    """An error in the last step takes back what the steps before it wrote, and the next write is by itself again."""

    def broken_off() -> None:
        ledger.events.append("noted", NOW, unique="note")
        ledger.webhooks.seen("evt_1", "invoice.paid", "in_1", NOW, NOW)
        assert ledger.webhooks.get("evt_1") is not None
        raise LookupError("the last step")

    with pytest.raises(LookupError):
        ledger.as_one(broken_off)
    assert ledger.webhooks.get("evt_1") is None
    assert kinds(ledger) == []
    assert ledger.events.append("noted", NOW, unique="note")
    assert kinds(ledger) == ["noted"]


def test_a_write_of_another_thread_stays_its_own(ledger: Ledger) -> None:
    """It waits for its turn, and is kept where the first one is given up."""
    other = threading.Thread(target=lambda: ledger.events.append("theirs", NOW))

    def broken_off() -> None:
        ledger.cases.open(a_case("in_1"), NOW)
        other.start()
        raise LookupError("given up")

    with pytest.raises(LookupError):
        ledger.as_one(broken_off)
    other.join()
    assert ledger.cases.get("in_1") is None
    assert kinds(ledger) == ["theirs"]
