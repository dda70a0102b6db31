"""Figures and pages over a ledger of many cases: every page of the console, the pages of figures, the report of a month.

The ledgers are those whose addresses stand in ``BENCH_LEDGERS``, divided by spaces and filled with ``python -m bench.filling``; without
it, a SQLite file of 20,000 cases that is made for it.
"""

from __future__ import annotations

import os
import secrets
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlencode

from fastapi.testclient import TestClient

from bench._console import HandClock, console
from bench._rows import Figures, Row
from bench.filling import END, fill
from recoup import figures
from recoup.figures import Selection, month_bounds
from recoup.figures.keeping import bring_up_to_date
from recoup.ledger import CaseFilter, CaseRow, Ledger, ObservedCharge, Sort, Tab
from recoup.rules.declines import Decline
from recoup.web.console.figures_asked import WINDOWS
from recoup.web.console.recovering import KEPT

CASES = 20_000
MONTH = "2026-10"
CHANGED = 100


def measure(place: Path, times: int) -> list[Row]:
    """Each ledger by itself."""
    addresses = os.environ.get("BENCH_LEDGERS", "").split()
    if not addresses:
        addresses = [f"sqlite:///{place}/ledger.db"]
        fill(addresses[0], CASES)
    return [row for address in addresses for row in _of(address, place, times)]


def _of(address: str, place: Path, times: int) -> list[Row]:
    ledger = Ledger.connect(address)
    on = "SQLite" if address.startswith("sqlite") else "PostgreSQL"
    try:
        paths = _paths(ledger)
        rows = _reports(ledger, on, times)
    finally:
        ledger.close()
    clock = HandClock()
    with console(address, place, clock) as browser:
        rows += [_page(browser, on, what, path, times) for what, path in paths.items()]
        rows += [_page_of_figures(browser, clock, on, days, times) for days in WINDOWS]
    return rows


def _paths(ledger: Ledger) -> dict[str, str]:
    """Every kind of page that reads the ledger, by what it is."""
    some = ledger.browsing.page(Tab.LOST, CaseFilter(), Sort.OLDEST, limit=1).rows[0]
    deep = {"tab": "lost", "after": some.id, "sort": "newest"}
    lists: dict[str, dict[str, str]] = {
        "list: for a person": {},
        "list: active": {"tab": "active"},
        "list: recovered": {"tab": "recovered"},
        "list: lost, newest first, far behind": deep,
        "list: all, by amount": {"tab": "all", "sort": "amount"},
        "list: all, changed last": {"tab": "all", "sort": "changed"},
        "list: one currency": {"tab": "all", "currency": "pln"},
        "list: one campaign": {"tab": "lost", "campaign": "big"},
        "list: hard declines": {"tab": "recovered", "class": "hard"},
        "list: of an owner": {"tab": "all", "owner": "ana"},
        "list: of an owner who has none": {"tab": "recovered", "owner": "nobody"},
        "list: larger than any": {"tab": "all", "least": "100000000", "sort": "changed"},
        "list: searched by customer": {"tab": "all", "q": some.customer},
        "list: searched by the beginning of a number": {"tab": "all", "q": "AC-000012"},
    }
    return {
        "first page": "/",
        **{what: f"/cases?{urlencode(query)}" for what, query in lists.items()},
        "case": f"/cases/{some.id}",
        "deliverability": "/deliverability",
        "integrations": "/integrations",
        "policy": "/policy",
        "log": "/log",
        "API: cases": "/api/v1/cases?tab=all",
    }


def _page(browser: TestClient, on: str, what: str, path: str, times: int) -> Row:
    _get(browser, path)
    took = [_timed(lambda: _get(browser, path)) for _ in range(times)]
    figures_ = Figures("from the question to the answer", "ms", tuple(1000 * wall for wall, _ in took))
    return Row(f"page {what} {on}", f"{what}, {on}", "≤ 200 ms", figures_, limit=200, notes=_cpu(took))


def _page_of_figures(browser: TestClient, clock: HandClock, on: str, days: int, times: int) -> Row:
    """Each time worked out anew: what the console keeps of them is too old by then."""
    path, took = f"/figures?days={days}", []
    for _ in range(times):
        clock.move_on(KEPT)
        took.append(_timed(lambda: _get(browser, path)))
    what = f"figures of {days} days"
    figures_ = Figures("from the question to the answer", "s", tuple(wall for wall, _ in took))
    return Row(f"page {what} {on}", f"the page, {what}, {on}", "≤ 1 s", figures_, limit=1.0, notes=_cpu(took))


def _get(browser: TestClient, path: str) -> None:
    answer = browser.get(path)
    if answer.status_code != 200:
        raise RuntimeError(f"{path} answers {answer.status_code}")


def _reports(ledger: Ledger, on: str, times: int) -> list[Row]:
    since, until = month_bounds(MONTH)
    wanted = {days: Selection(now=END, since=END - timedelta(days=days)) for days in WINDOWS}
    bring_up_to_date(ledger)
    rows = [
        _made(ledger, on, f"figures of {days} days", selection, times, limit=1.0)
        for days, selection in wanted.items()
    ]
    month = Selection(now=END, since=since, until=until)
    rows.append(_made(ledger, on, "report of a month", month, times, limit=5.0))
    newest = ledger.browsing.page(Tab.ALL, CaseFilter(), Sort.NEWEST, limit=CHANGED).rows
    for days, selection in wanted.items():
        what = f"figures of {days} days after {CHANGED} cases have changed"
        rows.append(_made(ledger, on, what, selection, times, limit=1.0, changing=newest))
    return rows


def _made(
    ledger: Ledger,
    on: str,
    what: str,
    selection: Selection,
    times: int,
    limit: float,
    changing: Sequence[CaseRow] = (),
) -> Row:
    took = []
    for _ in range(times):
        for case in changing:
            _try_again(ledger, case)
        took.append(_timed(lambda: figures.of(ledger, selection)))
    made = Figures("made", "s", tuple(wall for wall, _ in took))
    return Row(f"{what} {on}", f"{what}, {on}", f"≤ {limit:g} s", made, limit=limit, notes=_cpu(took))


def _try_again(ledger: Ledger, case: CaseRow) -> None:
    """Stripe tries the case's payment once more, and fails."""
    code = Decline(code="insufficient_funds", brand="visa", method_type="card")
    ledger.attempts.observe(
        ObservedCharge(
            charge=f"ch_{secrets.token_hex(12)}",
            invoice=case.invoice,
            customer=case.customer,
            fingerprint=f"fp_{case.customer}",
            brand="visa",
            amount=case.amount,
            currency=case.currency,
            failed=True,
            decline=code,
        ),
        END,
    )


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """By the clock, and of this process's CPU."""
    began, spent = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - began, time.process_time() - spent


def _cpu(took: Sequence[tuple[float, float]]) -> tuple[str]:
    """What the machine's other work does not change."""
    return (f"CPU of this process: {1000 * statistics.median(cpu for _, cpu in took):.0f} ms",)
