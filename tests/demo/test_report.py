"""The report finds what is not as the world, the books and the company's backend should have it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook

from recoup.demo.company import Company
from recoup.demo.report import CaseReport, against_access, against_books, against_world
from recoup.demo.stack import ACCESS_SECRET
from recoup.ledger import CaseRow
from recoup.rules.case import Outcome, Stage
from recoup.worlds import read_world

NOW = datetime(2026, 12, 1, 9, tzinfo=UTC)
WORLD = read_world(
    """
version: 1
name: two
customers:
  ada:
    name: Ada Example
    email: ada@example.com
    subscriptions: [{product: Plan, amount: 100, currency: eur, renews_in: {hours: 1}}]
    expects: lost_suspended
    expects_return: recovered_by_card_update
  bela:
    name: Bela Example
    email: bela@example.com
    subscriptions: [{product: Plan, amount: 100, currency: eur, renews_in: {hours: 1}}]
    expects: recovered_by_retry
"""
)


def row(invoice: str, outcome: Outcome | None, *, customer: str = "cus_ada", again: bool = False) -> CaseRow:
    """A case of an invoice that ended so."""
    opened = NOW + timedelta(days=30 if again else 0)
    return CaseRow(
        id=f"{invoice}/r2" if again else invoice, invoice=invoice, number=None, customer=customer, subscription="sub_1",
        amount=100, currency="eur", failed_at=NOW, campaign="everybody", policy_version="x", policy={}, rules_version=1,
        decline=None, decline_class=None, stage=outcome.stage if outcome else Stage.WAITING, next_kind=None, next_at=None,
        next_because=None, outcome=outcome, because="because", workflow_id="w", run_id="r", is_return=again,
        opened_at=opened, updated_at=opened, closed_at=opened if outcome else None,
    )  # fmt: skip


def case(key: str, outcome: Outcome | None, *, again: bool = False) -> CaseReport:
    """The report of a customer's case."""
    return CaseReport(row(f"in_{key}", outcome, customer=f"cus_{key}", again=again), key, ())


def entry(invoice: str, status: str, charges: int) -> dict[str, Any]:
    """A line of the books."""
    return {
        "id": invoice,
        "status": status,
        "successful_charges": [f"ch_{number}" for number in range(charges)],
    }


def test_outcomes_as_the_world_says_are_no_problem() -> None:
    """A case and its return that end as expected pass."""
    cases = [
        case("ada", Outcome.LOST_SUSPENDED),
        case("ada", Outcome.RECOVERED_BY_CARD_UPDATE, again=True),
        case("bela", Outcome.RECOVERED_BY_RETRY),
    ]
    assert against_world(WORLD, cases) == []


@pytest.mark.parametrize(
    ("cases", "words"),
    [
        ([case("bela", Outcome.LOST_SUSPENDED)], "recovered_by_retry"),
        ([case("bela", None)], "open"),
        ([], "none"),
    ],
)
def test_another_outcome_is_a_problem(cases: list[CaseReport], words: str) -> None:
    """A wrong outcome, a case that is open, and a case that never was are named with what was expected."""
    found = [problem for problem in against_world(WORLD, cases) if problem.startswith("bela")]
    assert len(found) == 1
    assert words in found[0]


@pytest.mark.parametrize(
    ("books", "outcome"),
    [
        ([entry("in_1", "paid", 2)], Outcome.RECOVERED_BY_RETRY),
        ([entry("in_1", "paid", 0)], Outcome.RECOVERED_BY_RETRY),
        ([entry("in_1", "open", 1)], Outcome.LOST_SUSPENDED),
        ([entry("in_1", "open", 0)], Outcome.RECOVERED_BY_RETRY),
        ([entry("in_1", "paid", 1)], Outcome.LOST_SUSPENDED),
        ([], Outcome.RECOVERED_BY_RETRY),
    ],
)
def test_books_that_disagree_are_a_problem(books: list[dict[str, Any]], outcome: Outcome) -> None:
    """A second charge, a missing one, a charge on a debt that is open, and an outcome that the books do not bear out."""
    assert len(against_books(books, [row("in_1", outcome)])) == 1


def test_books_that_agree_are_none() -> None:
    """One charge for what is paid, none for what is not, and of several cases the last one counts."""
    rows = [row("in_1", Outcome.LOST_SUSPENDED), row("in_1", Outcome.RECOVERED_BY_CARD_UPDATE, again=True)]
    assert against_books([entry("in_1", "paid", 1), entry("in_2", "open", 0)], rows) == []


@pytest.fixture
def company(tmp_path: Path) -> Company:
    """A backend whose clock stands at the wall clock."""
    backend = Company(ACCESS_SECRET, tmp_path / "clock")
    backend.stop()
    return backend


def news(
    company: Company,
    type_: str,
    *,
    secret: str = ACCESS_SECRET,
    id_: str = "1",
    old: timedelta = timedelta(0),
) -> int:
    """Tell the backend something about cus_ada, signed."""
    at = company._clock.now() - old
    body = f'{{"type": "{type_}", "data": {{"customer": "cus_ada", "subscription": "sub_1"}}}}'
    headers = {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, at.replace(microsecond=0), body),
    }
    return company.hear(headers, body.encode())


def test_the_backend_believes_what_is_signed(company: Company) -> None:
    """A suspension and a restoration are taken, each once."""
    assert company.may_use("cus_ada")
    assert news(company, "access.suspended") == news(company, "access.suspended") == 204
    assert not company.may_use("cus_ada")
    assert news(company, "access.restored", id_="2") == 204
    assert company.may_use("cus_ada")
    assert len(company.news) == 2
    assert company.refused == []


def test_the_backend_refuses_what_is_not(company: Company) -> None:
    """Another secret, an old moment and garbage change nothing."""
    assert news(company, "access.suspended", secret="whsec_MDEyMzQ1Njc4OWFiY2RlZg==") == 400
    assert news(company, "access.suspended", old=timedelta(minutes=10)) == 400
    assert company.hear({}, b"{}") == 400
    assert company.may_use("cus_ada")
    assert len(company.refused) == 3


def test_access_that_is_wrong_is_a_problem(company: Company) -> None:
    """Somebody suspended whom the backend still lets in, and somebody recovered whom it keeps out."""
    lost, won = [row("in_1", Outcome.LOST_SUSPENDED)], [row("in_1", Outcome.RECOVERED_BY_RETRY)]
    assert len(against_access(company, lost)) == 1
    assert against_access(company, won) == []
    news(company, "access.suspended")
    assert against_access(company, lost) == []
    assert len(against_access(company, won)) == 1
