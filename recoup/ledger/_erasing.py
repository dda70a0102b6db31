"""What an erasure does to each table: which rows are the customer's, and which of their columns lead to the person."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

import sqlalchemy as sa

import recoup.ledger.assignments_schema as drawn
import recoup.ledger.cards_schema as ahead
import recoup.ledger.history_schema as before
from recoup.ledger import schema
from recoup.ledger.channels_schema import channel_stops
from recoup.ledger.console_schema import console_log, console_sessions, console_users
from recoup.ledger.erasing_schema import erasing
from recoup.ledger.exclusions_schema import exclusions
from recoup.ledger.figures_schema import figure_blocks, figure_folds


@dataclass(frozen=True)
class Whose:
    """The customer, and what the ledger calls theirs."""

    customer: str
    cases: tuple[str, ...]
    invoices: tuple[str, ...]


Rows = Callable[[Whose], sa.ColumnElement[bool]]
"""Which rows of a table are theirs."""


class Column(StrEnum):
    """What happens to a column of a row that stays."""

    RENAMED = "renamed"
    """The customer's id becomes the pseudonym, wherever it stands in it."""
    SCRUBBED = "scrubbed"
    """As ``RENAMED``, and the words of people are taken out."""
    EMPTIED = "emptied"


@dataclass(frozen=True)
class Table:
    """What happens to a table."""

    rows: Rows
    columns: dict[str, Column] | None = None
    """Nothing where the rows go."""


def _by(*columns: sa.Column[str]) -> Rows:
    return lambda whose: sa.or_(*(column == whose.customer for column in columns))


def _named(column: sa.Column[str]) -> Rows:
    return lambda whose: column.contains(whose.customer, autoescape=True)


def _event(whose: Whose) -> sa.ColumnElement[bool]:
    told = schema.events.c
    return sa.or_(
        told.customer == whose.customer,
        told.case_id.in_(whose.cases),
        told.invoice.in_(whose.invoices),
        sa.cast(told.data, sa.Text).contains(whose.customer, autoescape=True),
    )


def _logged(whose: Whose) -> sa.ColumnElement[bool]:
    done = console_log.c
    texts = (done.subject, done.reason, done.because, sa.cast(done.data, sa.Text))
    named = (text.contains(whose.customer, autoescape=True) for text in texts)
    return sa.or_(done.case_id.in_(whose.cases), *named)


_NAME = {"customer": Column.RENAMED}
_REASONS = _NAME | {"because": Column.SCRUBBED}

TABLES: dict[sa.Table, Table] = {
    schema.events: Table(_event, _NAME | {"data": Column.SCRUBBED, "unique_key": Column.RENAMED}),
    console_log: Table(
        _logged,
        dict.fromkeys(("reason", "because", "data"), Column.SCRUBBED) | {"subject": Column.RENAMED},
    ),
    schema.decisions: Table(
        lambda whose: schema.decisions.c.case_id.in_(whose.cases),
        dict.fromkeys(("known", "candidates", "choice", "because"), Column.SCRUBBED),
    ),
    schema.cases: Table(
        _by(schema.cases.c.customer),
        _REASONS | {"next_because": Column.SCRUBBED, "number": Column.EMPTIED},
    ),
    schema.attempts: Table(_by(schema.attempts.c.customer), _REASONS),
    schema.observed_charges: Table(_by(schema.observed_charges.c.customer), _NAME),
    schema.messages: Table(
        _by(schema.messages.c.customer), _REASONS | {"key": Column.RENAMED, "provider_id": Column.EMPTIED}
    ),
    schema.webhooks: Table(_by(schema.webhooks.c.object_id), {"object_id": Column.RENAMED}),
    schema.deliveries: Table(
        _by(schema.deliveries.c.subject), {"subject": Column.RENAMED, "because": Column.SCRUBBED}
    ),
    drawn.assignments: Table(_by(drawn.assignments.c.customer), _NAME),
    ahead.refresh_targets: Table(
        _by(ahead.refresh_targets.c.customer, ahead.refresh_targets.c.reference),
        _REASONS | {"reference": Column.RENAMED},
    ),
    # The keyed hash of an address stays: whoever bounced, complained or unsubscribed is not written to again.
    channel_stops: Table(
        lambda whose: sa.and_(
            channel_stops.c.customer == whose.customer, channel_stops.c.subject != whose.customer
        ),
        {"customer": Column.EMPTIED, "detail": Column.EMPTIED},
    ),
    before.history_subscriptions: Table(_by(before.history_subscriptions.c.customer), _NAME),
    before.history_invoices: Table(_by(before.history_invoices.c.customer), _NAME),
    before.history_charges: Table(_by(before.history_charges.c.customer), _NAME),
    # Whoever folding has come to: it begins anew.
    figure_folds: Table(_by(figure_folds.c.customer)),
    schema.links: Table(_by(schema.links.c.customer)),
    # How often somebody came through a link of theirs.
    schema.rates: Table(lambda whose: schema.rates.c.name.contains(f"/{whose.customer}/", autoescape=True)),
    schema.access: Table(_by(schema.access.c.customer)),
    exclusions: Table(_by(exclusions.c.customer)),
    ahead.cards: Table(_by(ahead.cards.c.customer)),
    ahead.renewals: Table(_by(ahead.renewals.c.customer)),
    ahead.card_marks: Table(_by(ahead.card_marks.c.customer)),
}
"""What leads to customers. Events come first: which words are people's is read there before they are taken out."""

GONE_BESIDE = {channel_stops: _by(channel_stops.c.subject)}
"""Rows that go from a table of which others stay."""

NOBODYS = frozenset(
    {
        schema.message_invoices,
        schema.invoices,
        schema.destinations,
        ahead.card_imports,
        ahead.refreshes,
        before.history_payments,
        before.history_imports,
        figure_blocks,
        console_users,
        console_sessions,
        erasing,
    }
)
"""Tables in which nothing leads to a customer."""
