"""What came of lives: their ends in words, and how often each made Recoup do something."""

from __future__ import annotations

from collections import Counter, defaultdict
from typing import Any

import sqlalchemy as sa

from recoup.ledger import schema
from tests.proofs.theatre import Theatre

Figures = Counter[str]


def states_of(theatre: Theatre) -> list[list[str]]:
    """Each life's end, in words: the cases, the attempts, the subscription, the invoices."""
    api = theatre.sandbox.client().v1
    books = defaultdict(list)
    for book in theatre.sandbox.control("books"):
        paid, failed = len(book["successful_charges"]), book["failed_charges"]
        books[book["customer"]].append(f"invoice {book['status']}: {paid} paid, {failed} refused")
    found = []
    for life in theatre.lives:
        state = [f"subscription {api.subscriptions.retrieve(life.subscription).status}"]
        state += [
            f"{'return' if row['is_return'] else 'case'} {row['outcome']}"
            for row in _rows(theatre, schema.cases, "customer", life.customer)
        ]
        state += [
            f"attempt {row['number']} by {row['trigger']}: {row['state']}"
            for row in _rows(theatre, schema.attempts, "customer", life.customer)
        ]
        found.append([*state, *sorted(books[life.customer])])
    return found


def effects_of(theatre: Theatre) -> list[Figures]:
    """How often each life made Recoup do what others can see, and how many rows of the ledger it has."""
    figures = [Figures() for _ in theatre.lives]
    names = {life.customer: life.number for life in theatre.lives}
    names |= {life.subscription: life.number for life in theatre.lives}
    names |= {invoice: life.number for life in theatre.lives for invoice in life.invoices}
    for call in theatre.sandbox.control("requests"):
        parts = call["path"].split("/")
        if call["method"] == "POST" and len(parts) > 3 and parts[3] in names:
            what = "/".join("…" if part == parts[3] else part for part in parts)
            figures[names[parts[3]]][f"POST {what}"] += 1
    mails = {life.email: life.number for life in theatre.lives}
    for to, template in theatre.sent:
        figures[mails[to]][f"mail {template}"] += 1
    for customer, kind in theatre.company.calls:
        figures[names[customer]][f"backend {kind}"] += 1
    for life in theatre.lives:
        for table in (schema.cases, schema.attempts, schema.messages, schema.observed_charges):
            count = len(_rows(theatre, table, "customer", life.customer))
            figures[life.number][f"rows of {table.name}"] += count
        for row in _rows(theatre, schema.events, "customer", life.customer):
            # What is noted of a delivery is no effect: it says what was heard, and when.
            if not row["kind"].startswith("webhook."):
                figures[life.number][f"event {row['kind']}"] += 1
        for case in _rows(theatre, schema.cases, "customer", life.customer):
            count = len(_rows(theatre, schema.decisions, "case_id", case["id"]))
            figures[life.number]["rows of decisions"] += count
    return figures


def _rows(theatre: Theatre, table: sa.Table, column: str, value: str) -> list[dict[str, Any]]:
    query = sa.select(table).where(table.c[column] == value)
    with theatre.ledger.cases._store.engine.connect() as connection:
        return [dict(row) for row in connection.execute(query).mappings()]
