"""Figures in the console: of which choice, as files, what they cost, and what experiments have shown."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from recoup import figures
from recoup.figures.churn import Churn
from recoup.figures.worth import LifetimeValue
from recoup.ledger import Ledger, NewMessage
from recoup.rules.case import Template
from recoup.settings import FiguresSettings
from tests.figures.past import grown
from tests.house._tree import ROOT
from tests.web.conftest import Book
from tests.web.console.desk import words_of
from tests.web.doubles import NOW

EXPERIMENT = """
experiments:
  - name: holdout
    campaign: everybody
    share: 0.2
    instead: {name: stripe-alone, retries: {mode: observe}}
    within_days: 28
    assumed_rate: 0.55
    least_difference: 0.05
"""


@pytest.fixture
def more(tmp_path: Path) -> dict[str, Any]:
    """Prices, and a policy with an experiment."""
    file = tmp_path / "policy.yaml"
    file.write_text((ROOT / "policy.yaml").read_text(encoding="utf-8") + EXPERIMENT, encoding="utf-8")
    prices = FiguresSettings(currency="eur", email_cost=Decimal("0.0001"), network_fee=Decimal("0.15"))
    return {"policy_file": file, "figures": prices}


def test_figures_of_a_choice(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """Another time, a currency, a campaign, a policy version: each stands in the address, and what makes no sense is named and left out."""
    book.case("in_1", failed_at=NOW - timedelta(days=40), currency="pln", amount=10_000, campaign="large")
    book.case("in_2", failed_at=NOW - timedelta(days=10), currency="eur", amount=2_000, policy_version="v2")
    choices = {
        "": 2, "?days=30": 1, "?days=all": 2, "?currency=EUR": 1, "?campaign=large": 1, "?version=v2": 1,
        "?campaign=large&currency=eur": 0, "?days=30&currency=pln": 0, f"?month={NOW - timedelta(days=40):%Y-%m}": 1,
        f"?from={NOW - timedelta(days=10):%Y-%m-%d}": 1, f"?to={NOW - timedelta(days=40):%Y-%m-%d}": 1,
        f"?from={NOW - timedelta(days=9):%Y-%m-%d}&days=30": 0,
    }  # fmt: skip
    for query, count in choices.items():
        page = operator.get(f"/figures{query}")
        assert f"In flight {count} still open" in words_of(page), query
        told = operator.get(f"/api/v1/figures{query}").json()
        assert told["recovery_rate"]["all"]["cases"] == count, query
    page = operator.get("/figures?currency=eur&days=365")
    assert 'href="/figures?days=30&amp;currency=eur"' in page.text
    assert '<option value="eur" selected>' in page.text
    assert 'href="/figures.csv?days=365&amp;currency=eur&amp;table=cohorts"' in page.text
    for query, wrong in (("from=yesterday", "from"), ("days=7", "days"), ("month=2026-13", "month"),
                         ("from=2026-11-02&to=2026-11-01", "to")):  # fmt: skip
        assert f"were left out: {wrong}" in words_of(operator.get(f"/figures?{query}"))
        assert operator.get(f"/api/v1/figures?{query}").status_code == 400


def test_figures_as_files(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """Each table of the report as CSV, of the same choice; names that a spreadsheet would run are made texts, and the log knows of it."""
    book.case("in_1", failed_at=NOW - timedelta(days=40), currency="pln", amount=10_000)
    book.case("in_2", failed_at=NOW - timedelta(days=10), currency="eur", amount=2_000)
    links = re.findall(r'href="(/figures\.csv\?[^"]+)"', operator.get("/figures?currency=pln").text)
    tables = {link.rpartition("table=")[2] for link in links}
    assert {"recovery_rate_money", "within", "cohorts", "causes", "attempts", "funnel", "costs"} <= tables
    for link in links:
        answer = operator.get(link.replace("&amp;", "&"))
        assert answer.status_code == 200, link
        assert answer.headers["content-type"].startswith("text/csv")
    answer = operator.get("/figures.csv?table=recovery_rate_money&currency=pln")
    (row,) = csv.DictReader(io.StringIO(answer.text))
    assert (row["currency"], row["failed"], row["open"]) == ("pln", "10000", "10000")
    last = ledger.console.logged(limit=1)[0]
    assert (last.action, last.data) == ("figures.export", {"table": "recovery_rate_money", "currency": "pln"})
    assert operator.get("/figures.csv?table=passwords").status_code == 404


def test_what_it_cost(operator: TestClient, book: Book, ledger: Ledger) -> None:
    """Messages at the price that is set, and none where none is."""
    book.case("in_1")
    new = NewMessage(key="k", case_id="in_1", customer="cus_1", template=Template.REMINDER, channel="email", locale="pl")  # fmt: skip
    ledger.messages.reserve(new, NOW - timedelta(hours=1))
    ledger.messages.begin_sending("k", NOW - timedelta(hours=1))
    ledger.messages.mark_sent("k", None, NOW - timedelta(hours=1))
    said = words_of(operator.get("/figures?days=all"))
    assert "Mail 1 0.0001 EUR Text message 0 no price is set" in said
    assert "Fees of the networks avoided, at most 0 0.00 EUR" in said


def test_an_experiment(operator: TestClient) -> None:
    """Who gets what, how many customers it still needs, and no difference before they have had their time."""
    said = words_of(operator.get("/figures"))
    assert "stripe-alone instead of everybody for 20% of its customers" in said
    assert "Too early to say." in said
    assert re.search(r"\d+ more customers must have had 28 days", said)
    assert "Difference of the recovery rates" not in said
    told = operator.get("/api/v1/figures").json()
    assert [(each["experiment"], each["verdict"]) for each in told["experiments"]] == [("holdout", "waiting")]
    assert "recovery_rate" in told["definitions"]


def test_churn_and_lifetime_value(operator: TestClient, ledger: Ledger) -> None:
    """Before and after with the interval and what it cannot show; by month; what recovered customers pay beside those that never failed."""
    grown().write(ledger)
    made = figures.of(ledger, figures.Selection(now=NOW))
    churn, worth = made.involuntary_churn, made.lifetime_value
    assert isinstance(churn, Churn)
    assert isinstance(worth, LifetimeValue)
    page = operator.get("/figures?days=all")
    said = words_of(page).replace("\u00a0", " ")
    sides, ratio = churn.before_after, churn.before_after.ratio
    assert isinstance(ratio, figures.Estimate)
    assert ratio.low is not None
    assert f"Before Recoup {sides.before.months} {sides.before.unpaid} " in said
    assert f"With Recoup {sides.after.months} {sides.after.unpaid} " in said
    assert f"With, as a multiple of before {round(ratio.value, 2):g} ({round(ratio.low, 2):g}" in said
    assert "Not a proof" in said
    whole = next(each for each in churn.months if each.is_whole)
    assert f"{whole.month} {whole.active} {whole.unpaid} {whole.chosen} {whole.returned}" in said
    value = next(each for each in worth.worth if isinstance(each.recovered, figures.Estimate))
    assert isinstance(value.recovered, figures.Estimate)
    assert f"PLN {value.months} PLN {value.recovered.value / 100:,.2f}" in said
    assert "Another payment failed within 90 days:" in said
    assert "The months before Recoup are seen in all of the time." in words_of(operator.get("/figures"))
    assert operator.get("/figures.csv?days=all&table=involuntary_churn").text.startswith(
        "month,active,unpaid"
    )
