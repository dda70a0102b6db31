"""The figures of a ledger that a real run has made: against what the sandbox's books and the demo's timelines say."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from recoup import figures
from recoup.figures import Figures, Selection
from recoup.figures.causes import ORDER
from recoup.ledger import Ledger
from recoup.rules.case import Outcome
from tests.demo.conftest import Ran

pytestmark = [pytest.mark.stack, pytest.mark.slow]


@pytest.fixture(scope="module")
def made(headless: Ran) -> Figures:
    """The report a month after its last case."""
    ledger = Ledger.connect(f"sqlite:///{headless.directory / 'recoup.db'}")
    last = max(case.updated_at for case in ledger.cases.list_all(limit=1000))
    found = figures.of(ledger, Selection(now=last + timedelta(days=61)))
    ledger.close()
    return found


def test_recovered_is_what_the_books_say_was_paid(headless: Ran, made: Figures) -> None:
    """Cases and money, in each currency: paid invoices of the sandbox's books, less those paid after a suspension."""
    back = {each["case"].split("/")[0] for each in headless.report["cases"] if each["is_return"]}
    books = {entry["id"]: entry for entry in headless.report["books"]}
    paid, money = 0, Counter[str]()
    for case in headless.report["cases"]:
        if not case["is_return"] and books[case["case"]]["status"] == "paid" and case["case"] not in back:
            paid += 1
            money[case["currency"]] += case["amount"]
    found = made.recovery_rate
    assert found.all.recovered == paid > 0
    assert {each.currency: each.recovered for each in found.all.money if each.recovered} == dict(money)
    assert found.returned.cases == len(back)
    firsts = [case for case in headless.report["cases"] if not case["is_return"]]
    assert found.all.cases + found.left_out.cases == len(firsts)


def test_causes_are_the_outcomes(headless: Ran, made: Figures) -> None:
    """Each recovered case has the cause that its outcome names."""
    outcomes = Counter(each["outcome"] for each in headless.report["cases"] if not each["is_return"])
    expected = {name: outcomes[outcome.value] for outcome, name in ORDER.items()}
    assert {each.cause: each.cases for each in made.causes.by_cause} == expected
    assert outcomes[Outcome.RECOVERED_BY_RETRY.value] > 0


def test_attempts_are_those_of_the_timelines(headless: Ran, made: Figures) -> None:
    """As many attempts as the timelines show, and every refusal that the books have: ours and the first one."""
    told = [
        each for case in headless.report["cases"] for each in case["timeline"] if each["kind"] == "attempt"
    ]
    assert made.attempts.made == len(told) > 0
    failed = sum(entry["failed_charges"] for entry in headless.report["books"])
    assert made.declines.refused == failed


def test_people_were_told_before_they_acted(made: Figures) -> None:
    """The funnel narrows, and somebody comes to its end."""
    counts = [step.cases for step in made.funnel.steps if step.cases is not None]
    assert counts == sorted(counts, reverse=True)
    assert counts[-1] > 0
