"""The scenarios that ship with Recoup, played through the real product: each goes as its file says."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from recoup.rehearsal.scenario import load_scenario, shipped
from tests.rehearsal.conftest import Rehearse, Told, subjects, told_of


def _days(story: Told, kind: str) -> list[int]:
    return [line["day"] for line in story["timeline"] if line["kind"] == kind]


def _texts(story: Told) -> str:
    return "\n".join(line["message"]["text"] for line in story["timeline"] if "message" in line)


def _mended_on_day_3(story: Told) -> None:
    assert _days(story, "attempt") == [3]
    assert "Upłynął termin ważności" in _texts(story)


def _retried_until_payday(story: Told) -> None:
    assert _days(story, "attempt") == [1, 3, 7]
    assert told_of(story, "attempt")[-1] == "attempt 3 of 29.00 EUR paid"


def _never_tried(story: Told) -> None:
    assert told_of(story, "attempt") == []
    assert told_of(story, "access") == ["suspended"]


def _never_tried_with_the_old_card(story: Told) -> None:
    assert _days(story, "attempt") == [18]
    assert "stolen" not in _texts(story), "nobody learns here what a bank suspects"


def _confirmed(story: Told) -> None:
    assert subjects(story)[0] == "Please confirm your payment of €29.00 to Northwind"


def _paid_on_the_page(story: Told) -> None:
    assert any("with BLIK" in what for what in told_of(story, "customer"))


def _pending_for_days(story: Told) -> None:
    assert told_of(story, "attempt") == ["attempt 1 pending", "attempt 1 of 249.00 EUR paid"]
    assert "lost" not in story["cases"][0]["because"], "an answer that takes days is no lost one"


def _one_message_for_all(story: Told) -> None:
    assert len(story["cases"]) == 5
    # Which of the five writes is chance, and with it which amount comes first.
    assert all(amount in subjects(story)[0] for amount in ("€58.00", "US$48.00", "PLN\xa0129.00"))
    assert _days(story, "message")[0] == 0
    assert any("it is night in Vienna" in (line["because"] or "") for line in story["timeline"])


def _promised(story: Told) -> None:
    assert _days(story, "attempt")[0] == 5
    assert "promised to pay" in str(
        [line["because"] for line in story["timeline"] if line["kind"] == "decided"]
    )


def _approved(story: Told) -> None:
    assert len(told_of(story, "person")) == 2
    assert "olga approved the suspension" in story["cases"][0]["because"]


def _left(story: Told) -> None:
    assert subjects(story)[-1] == "Reminder: €29.00 to Northwind is still open", (
        "nothing is written afterwards"
    )


def _renewed(story: Told) -> None:
    assert told_of(story, "customer") == []
    assert _days(story, "network") == [2]


def _restricted_first(story: Told) -> None:
    assert told_of(story, "access") == ["restricted", "suspended"]
    assert _days(story, "access") == [19, 21]


def _came_back(story: Told) -> None:
    assert told_of(story, "access") == ["suspended", "restored"]
    assert [case["is_return"] for case in story["cases"]] == [False, True]


MORE: dict[str, Callable[[Told], None]] = {
    "expired-card": _mended_on_day_3,
    "payday": _retried_until_payday,
    "hard-decline": _never_tried,
    "stolen-card": _never_tried_with_the_old_card,
    "three-d-secure": _confirmed,
    "pays-on-the-page": _paid_on_the_page,
    "sepa-debit": _pending_for_days,
    "five-in-one-night": _one_message_for_all,
    "promise-kept": _promised,
    "promise-broken": _promised,
    "important-account": _approved,
    "cancels-on-the-page": _left,
    "renewed-by-the-network": _renewed,
    "never-reacts": _restricted_first,
    "comes-back": _came_back,
}
"""What else must be true of each, beside what its file says."""


ALWAYS = frozenset(
    {"expired-card", "five-in-one-night", "important-account", "promise-broken", "sepa-debit", "comes-back"}
)
"""Those that every run of the tests plays; the others are told by ``make test-slow``."""


@pytest.mark.parametrize(
    "name",
    [
        name if name in ALWAYS else pytest.param(name, marks=pytest.mark.slow)
        for name in sorted({*shipped(), *MORE})
    ],
)
def test_a_shipped_scenario_goes_as_its_file_says(rehearsed: Rehearse, name: str) -> None:
    """It ends as expected, in the order of time, every decision has a reason, and what it is there to show is seen."""
    code, story = rehearsed(name)
    assert (code, story["problems"]) == (0, [])
    moments = [line["at"] for line in story["timeline"]]
    assert moments == sorted(moments)
    assert all(line["because"] for line in story["timeline"] if line["kind"] not in ("customer", "network"))
    assert len(subjects(story)) == story["messages"]
    MORE[name](story)


@pytest.mark.parametrize(("name", "path"), shipped().items(), ids=str)
def test_a_shipped_scenario_says_what_it_expects(name: str, path: Path) -> None:
    """Each has a sentence about itself, and an outcome for each of its customers."""
    scenario = load_scenario(path)
    assert scenario.about
    assert all(customer.expects for customer in scenario.customers.values())
