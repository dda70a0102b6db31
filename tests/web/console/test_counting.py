"""Counts beside the tabs: exact with few cases, and with many the ended ones a minute old at most."""

from __future__ import annotations

from datetime import timedelta

import pytest

from recoup.ledger import CaseFilter, Ledger, Tab
from recoup.rules.case import Outcome
from recoup.web.console import counting
from recoup.web.console.counting import KEPT, Counting
from tests.ledger.builders import NOW, a_case


def test_ended_cases_are_counted_anew_after_a_minute_where_they_are_many(
    ledger: Ledger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open ones at once; as long as they are few, ended ones too."""
    for number in range(3):
        ledger.cases.open(a_case(f"in_{number}", customer=f"cus_{number}"), NOW)
    counts, everything = Counting(ledger), CaseFilter()
    for number, many in enumerate((counting.MANY, 1)):
        monkeypatch.setattr(counting, "MANY", many)
        ledger.cases.close(f"in_{number}", Outcome.LOST_SUSPENDED, "so it ended", NOW)
        found = counts.of(everything, NOW)
        assert (found[Tab.LOST], found[Tab.ACTIVE], found[Tab.ALL]) == (number + 1, 2 - number, 3)
    ledger.cases.close("in_2", Outcome.LOST_SUSPENDED, "so it ended", NOW)
    soon, later = (counts.of(everything, NOW + span) for span in (timedelta(seconds=59), KEPT))
    assert (soon[Tab.LOST], soon[Tab.ACTIVE]) == (2, 0)
    assert (later[Tab.LOST], later[Tab.ACTIVE]) == (3, 0)
