"""The rows behind every figure, of some customers at a time; what they mean is said in :mod:`recoup.figures`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from recoup.ledger._store import Store
from recoup.ledger.figures_rows import (
    FigureAttempt,
    FigureCase,
    FigureChanges,
    FigureCharge,
    FigureContact,
    FigureMessage,
    FigureRefusal,
    FigureRows,
)
from recoup.ledger.history_schema import history_charges, history_payments
from recoup.ledger.schema import attempts, cases, events, message_invoices, messages, observed_charges
from recoup.rules.case import AttemptState, MessageState, Outcome, Template, Trigger

_ASKING = (
    Template.PAYMENT_FAILED,
    Template.AUTHENTICATION_NEEDED,
    Template.REMINDER,
    Template.LAST_NOTICE,
)
"""Messages that ask for the payment."""

_WENT_OUT = (MessageState.SENT, MessageState.UNKNOWN, MessageState.RETURNED)
_OF_CHARGES = ("charge_observed", "observed_charge_failed")
_AT_ONCE = 500
"""So many customers are asked about in one question."""


class ReadFigureRows:
    """Rows for figures; whoever makes a figure chooses among them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, customers: Collection[str]) -> Iterable[FigureRows]:
        """All rows of these customers, a few hundred of them at a time; each customer's are together."""
        names = sorted(customers)
        for start in range(0, len(names), _AT_ONCE):
            some = names[start : start + _AT_ONCE]
            yield self._store.read(lambda conn, some=some: _rows(conn, some))  # type: ignore[misc]

    def customers_after(self, name: str, limit: int) -> list[str]:
        """So many customers with cases behind this one, in the order of the database; ``""`` for the first."""
        mine = sa.select(cases.c.customer).where(cases.c.customer > name).distinct()
        found = mine.order_by(cases.c.customer).limit(limit)
        return self._store.read(lambda conn: list(conn.execute(found).scalars()))

    def changed(self, after: int, until: int) -> FigureChanges:
        """What was recorded after this event, up to that one."""
        return self._store.read(
            lambda conn: _changed(conn, sa.and_(events.c.id > after, events.c.id <= until))
        )

    def imported_since(self, moment: datetime) -> list[str]:
        """The customers of whose charges an import has read since then which invoice they were for."""
        paid = history_payments.c.payment_intent == history_charges.c.payment_intent
        new = sa.or_(history_charges.c.read_at >= moment, history_payments.c.read_at >= moment)
        found = (
            sa.select(observed_charges.c.customer)
            .join(history_charges, history_charges.c.charge == observed_charges.c.charge)
            .join(history_payments, paid)
            .where(observed_charges.c.invoice.is_(None), observed_charges.c.customer.is_not(None), new)
        )
        return self._store.read(lambda conn: list(conn.execute(found.distinct()).scalars()))


def _changed(conn: sa.Connection, new: sa.ColumnElement[bool]) -> FigureChanges:
    told = events.c
    named = sa.select(told.customer).where(new, told.customer.is_not(None))
    of_invoices = (
        sa.select(cases.c.customer)
        .join(events, told.invoice == cases.c.invoice)
        .where(new, told.customer.is_(None))
    )
    about = sa.select(told.case_id, told.invoice).where(new).distinct()
    charges = sa.select(told.data["charge"].as_string()).where(new, told.kind.in_(_OF_CHARGES))
    moments = (
        sa.select(sa.func.min(told.at)).where(new),
        sa.select(sa.func.min(observed_charges.c.made_at)).where(observed_charges.c.charge.in_(charges)),
    )
    found = [moment for moment in (conn.execute(each).scalar() for each in moments) if moment is not None]
    pairs = conn.execute(about).all()
    return FigureChanges(
        customers=frozenset(conn.execute(sa.union(named, of_invoices)).scalars()),
        invoices=frozenset(invoice or case.split("/", 1)[0] for case, invoice in pairs if invoice or case),
        since=min(found, default=None),
    )


def _rows(conn: sa.Connection, customers: Sequence[str]) -> FigureRows:
    told = {row.case_id: row for row in conn.execute(_told(customers))}
    found = _cases(conn, customers, {case_id: row.asked_at for case_id, row in told.items()})
    opened = {row.case_id: row.at for row in conn.execute(_acted("link_opened", customers))}
    updated = {row.case_id: row.at for row in conn.execute(_acted("link_used", customers))}
    contacts = [
        FigureContact(
            case_id=case_id,
            messages=told[case_id].messages if case_id in told else 0,
            returned=int(told[case_id].returned or 0) if case_id in told else 0,
            opened_at=opened.get(case_id),
            updated_at=updated.get(case_id),
        )
        for case_id in sorted({*told, *opened, *updated})
    ]
    return FigureRows(
        cases=found,
        attempts=_attempts(conn, customers),
        charges=_charges(conn, customers),
        contacts=contacts,
        messages=_messages(conn, customers),
        refusals=_refusals(conn, customers),
    )


def _cases(
    conn: sa.Connection, customers: Sequence[str], asked: dict[str, datetime | None]
) -> list[FigureCase]:
    """In the order in which they failed."""
    mine = cases.c
    query = sa.select(
        mine.id, mine.invoice, mine.customer, mine.subscription, mine.amount, mine.currency, mine.campaign,
        mine.policy_version, mine.failed_at, mine.opened_at, mine.outcome, mine.closed_at, mine.is_return,
    ).where(mine.customer.in_(customers)).order_by(mine.failed_at, mine.id)  # fmt: skip
    return [FigureCase(*_ended(row, asked.get(row.id))) for row in conn.execute(query)]


def _ended(row: Any, asked: datetime | None) -> tuple[Any, ...]:
    return (*row[:10], Outcome(row.outcome) if row.outcome else None, *row[11:], asked)


def _attempts(conn: sa.Connection, customers: Sequence[str]) -> list[FigureAttempt]:
    """All attempts of ours that were made and have their result, in the order in which they were made."""
    mine = attempts.c
    of_theirs = sa.select(cases.c.id).where(cases.c.customer.in_(customers))
    made = (
        mine.case_id.in_(of_theirs),
        mine.state.in_((AttemptState.PAID, AttemptState.DECLINED)),
        mine.sent_at.is_not(None),
    )
    query = sa.select(
        mine.case_id, mine.invoice, mine.number, mine.trigger, mine.brand, mine.amount, mine.currency, mine.state,
        mine.decline["code"].as_string(), mine.sent_at,
    ).where(*made).order_by(mine.sent_at, mine.id)  # fmt: skip
    return [FigureAttempt(*_made(row)) for row in conn.execute(query)]


def _made(row: Any) -> tuple[Any, ...]:
    return (*row[:3], Trigger(row.trigger), *row[4:7], AttemptState(row.state), *row[8:])


def _charges(conn: sa.Connection, customers: Sequence[str]) -> list[FigureCharge]:
    """All their charges that were not ours, in the order in which they were made."""
    seen = observed_charges.c
    imported = (
        sa.select(sa.func.min(history_payments.c.invoice))
        .join(history_charges, history_charges.c.payment_intent == history_payments.c.payment_intent)
        .where(history_charges.c.charge == seen.charge)
        .scalar_subquery()
    )
    ours = sa.exists().where(attempts.c.charge == seen.charge)
    invoices = sa.select(cases.c.invoice).where(cases.c.customer.in_(customers))
    theirs = sa.union(
        sa.select(seen.charge).where(seen.customer.in_(customers)),
        sa.select(seen.charge).where(seen.invoice.in_(invoices)),
    )
    query = sa.select(
        sa.func.coalesce(seen.invoice, imported), seen.customer, seen.brand, seen.amount, seen.currency, seen.failed,
        seen.decline["code"].as_string(), seen.made_at,
    ).where(seen.charge.in_(theirs), ~ours)  # fmt: skip
    return [FigureCharge(*row) for row in conn.execute(query.order_by(seen.made_at, seen.charge))]


def _messages(conn: sa.Connection, customers: Sequence[str]) -> list[FigureMessage]:
    """All messages of cases that went out, whatever they said, in the order in which they did."""
    mine = messages.c
    out = (
        mine.customer.in_(customers),
        mine.state.in_(_WENT_OUT),
        mine.case_id.is_not(None),
        mine.sending_at.is_not(None),
    )
    query = sa.select(mine.case_id, mine.channel, mine.sending_at).where(*out)
    return [FigureMessage(*row) for row in conn.execute(query.order_by(mine.sending_at, mine.key))]


def _refusals(conn: sa.Connection, customers: Sequence[str]) -> list[FigureRefusal]:
    """All attempts that the guard did not let through, in order."""
    mine = events.c
    refused = mine.customer.in_(customers), mine.kind == "attempt_refused"
    query = sa.select(mine.case_id, mine.at).where(*refused).order_by(mine.id)
    return [FigureRefusal(*row) for row in conn.execute(query)]


def _about(customers: Sequence[str]) -> sa.Subquery:
    """Every message that went out, with each case it was about: its own, and those whose invoices it named in their time."""
    theirs = messages.c.customer.in_(customers)
    own = sa.select(messages.c.key, messages.c.case_id).where(theirs, messages.c.case_id.is_not(None))
    named = (
        sa.select(message_invoices.c.message, cases.c.id)
        .join(cases, cases.c.invoice == message_invoices.c.invoice)
        .join(messages, messages.c.key == message_invoices.c.message)
        .where(
            theirs,
            messages.c.sending_at >= cases.c.opened_at,
            sa.or_(cases.c.closed_at.is_(None), messages.c.sending_at <= cases.c.closed_at),
        )
    )
    return sa.union(own, named).subquery("about")


def _told(customers: Sequence[str]) -> sa.Select[Any]:
    """How many messages asked for the payment of each case, how many came back, and when the first one went out."""
    about, mine = _about(customers), messages.c
    came_back = sa.case((mine.state == MessageState.RETURNED, 1), else_=0)
    return (
        sa.select(
            about.c.case_id,
            sa.func.count().label("messages"),
            sa.func.sum(came_back).label("returned"),
            sa.func.min(mine.sending_at, type_=mine.sending_at.type).label("asked_at"),
        )
        .join(messages, mine.key == about.c.key)
        .where(mine.state.in_(_WENT_OUT), mine.template.in_(_ASKING))
        .group_by(about.c.case_id)
    )


def _acted(kind: str, customers: Sequence[str]) -> sa.Select[Any]:
    """When the customer first did so on the page behind the link, while the case ran."""
    first = sa.func.min(events.c.at, type_=events.c.at.type)
    return (
        sa.select(cases.c.id.label("case_id"), first.label("at"))
        .join(events, events.c.customer == cases.c.customer)
        .where(
            cases.c.customer.in_(customers),
            events.c.kind == kind,
            events.c.at >= cases.c.opened_at,
            sa.or_(cases.c.closed_at.is_(None), events.c.at <= cases.c.closed_at),
        )
        .group_by(cases.c.id)
    )
