"""What became of everybody: the cases with their timelines, held against the world's word and the sandbox's books."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from recoup.demo.company import Company
from recoup.demo.control import Seeded
from recoup.demo.timeline import Entry, timeline_of
from recoup.ledger import CaseRow, EventRow, Ledger
from recoup.rules.case import Outcome, Stage
from recoup.worlds import World

_PAGE = 500


@dataclass(frozen=True, slots=True)
class CaseReport:
    """One case with all that happened in it; ids, codes and keys of the world, nothing personal."""

    row: CaseRow
    customer: str
    """The key in the world."""
    timeline: tuple[Entry, ...]

    @property
    def outcome(self) -> str:
        """The outcome, ``open`` where there is none yet."""
        return self.row.outcome.value if self.row.outcome else "open"

    def as_json(self) -> dict[str, Any]:
        """The case as ``--json`` writes it."""
        return {
            "case": self.row.id,
            "customer": self.customer,
            "outcome": self.outcome,
            "because": self.row.because or self.row.next_because or "",
            "amount": self.row.amount,
            "currency": self.row.currency,
            "decline": self.row.decline.code if self.row.decline else None,
            "is_return": self.row.is_return,
            "timeline": [entry.as_json() for entry in self.timeline],
        }


@dataclass(frozen=True, slots=True)
class Report:
    """The whole run."""

    cases: tuple[CaseReport, ...]
    books: tuple[Mapping[str, Any], ...]
    """The sandbox's entries for the invoices that were to be collected."""
    problems: tuple[str, ...]
    """Where something is not as the world or the books say; empty when all is well."""

    def as_json(self, virtual_days: float, seconds: float) -> dict[str, Any]:
        """The report as ``--json`` writes it."""
        return {
            "cases": [case.as_json() for case in self.cases],
            "books": [dict(entry) for entry in self.books],
            "problems": list(self.problems),
            "virtual_days": round(virtual_days, 1),
            "seconds": round(seconds, 1),
        }


def report_of(
    ledger: Ledger,
    world: World,
    seeded: Seeded,
    company: Company,
    books: Iterable[Mapping[str, Any]],
    stuck: Iterable[str],
) -> Report:
    """Put the report together from what everybody wrote down for themselves."""
    events = list(all_events(ledger))
    rows = sorted(ledger.cases.list_all(limit=10_000), key=lambda row: (row.opened_at, row.id))
    cases = tuple(
        CaseReport(row, seeded.key_of(row.customer) or row.customer, timeline_of(row, events)) for row in rows
    )
    owed = tuple(entry for entry in books if not entry["paid_out_of_band"] and entry["status"] != "draft")
    problems = [
        *stuck,
        *(f"the company's backend refused a webhook: {because}" for because in company.refused),
        *against_world(world, cases),
        *against_books(owed, rows),
        *against_access(company, rows),
    ]
    return Report(cases, owed, tuple(problems))


def against_world(world: World, cases: Iterable[CaseReport]) -> list[str]:
    """Where a customer's case ended otherwise than the world says."""
    first: dict[str, str] = {}
    last_return: dict[str, str] = {}
    for case in cases:
        if case.row.is_return:
            last_return[case.customer] = case.outcome
        else:
            first.setdefault(case.customer, case.outcome)
    problems = []
    for key, customer in world.customers.items():
        told = ((customer.expects, first, "case"), (customer.expects_return, last_return, "return"))
        for expected, found, what in told:
            ended = found.get(key, "none")
            if expected is not None and ended != expected:
                problems.append(f"{key}: the {what} should have ended {expected}, and it is {ended}")
    return problems


def against_books(books: Iterable[Mapping[str, Any]], rows: Iterable[CaseRow]) -> list[str]:
    """Where the sandbox's books disagree: a paid invoice has one successful charge, every other one none."""
    entries = {entry["id"]: entry for entry in books}
    problems = []
    for id_, entry in entries.items():
        wanted, found = (1 if entry["status"] == "paid" else 0), len(entry["successful_charges"])
        if found != wanted:
            problems.append(f"{id_} is {entry['status']} and has {found} successful charges, not {wanted}")
    for invoice, outcome in _final_outcomes(rows).items():
        status = entries[invoice]["status"] if invoice in entries else "missing"
        if (outcome.stage is Stage.RECOVERED) != (status == "paid"):
            problems.append(f"{invoice} is {status} in the books, and its case ended {outcome.value}")
    return problems


def against_access(company: Company, rows: Iterable[CaseRow]) -> list[str]:
    """Where the company's backend lets somebody in, or keeps somebody out, whom it should not."""
    suspended: dict[str, bool] = {}
    outcomes = _final_outcomes(rows)
    for row in rows:
        lost = outcomes.get(row.invoice) is Outcome.LOST_SUSPENDED
        suspended[row.customer] = suspended.get(row.customer, False) or lost
    return [
        f"{customer} should {'not ' if lost else ''}have access, and the backend was told otherwise"
        for customer, lost in suspended.items()
        if company.may_use(customer) is lost
    ]


def _final_outcomes(rows: Iterable[CaseRow]) -> dict[str, Outcome]:
    """How each invoice ended: by its last return, where there was one."""
    ordered = sorted(rows, key=lambda row: row.opened_at)
    return {row.invoice: row.outcome for row in ordered if row.outcome is not None}


def all_events(ledger: Ledger) -> Iterable[EventRow]:
    """Everything that the ledger has to tell, in the order in which it was recorded."""
    last = 0
    while page := ledger.events.since(last, _PAGE):
        yield from (event for event in page if not ledger.attempts.has_told_of_itself(event))
        last = page[-1].id


def days_between(start: datetime, end: datetime) -> float:
    """Virtual days from one moment to another."""
    return (end - start).total_seconds() / 86_400
