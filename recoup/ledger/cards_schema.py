"""The tables of cards before they fail: the mirror of Stripe's cards and renewals, and the mass updates.

They stand in the same database and the same metadata as all others (:mod:`recoup.ledger.schema`).
"""

from __future__ import annotations

import sqlalchemy as sa

from recoup.ledger._types import Json, RowId, UtcDateTime
from recoup.ledger.schema import metadata


def _text(name: str, *, null: bool = False, key: bool = False) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=null, primary_key=key)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.Integer(), nullable=null)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, UtcDateTime(), nullable=null)


cards = sa.Table(
    "cards",
    metadata,
    _text("method", key=True),
    _text("customer"),
    _text("brand", null=True),
    _text("funding", null=True),
    _text("country", null=True),
    _text("fingerprint", null=True),
    _text("issuer", null=True),
    _text("bin", null=True),
    _number("exp_year"),
    _number("exp_month"),
    _moment("read_at"),
    sa.Index("ix_cards_customer", "customer"),
    sa.Index("ix_cards_exp_year_exp_month", "exp_year", "exp_month"),
)

renewals = sa.Table(
    "renewals",
    metadata,
    _text("subscription", key=True),
    _text("customer"),
    _text("method", null=True),
    _moment("renews_at"),
    _text("interval"),
    _number("interval_count"),
    _moment("charged_at", null=True),
    sa.Column("amount", sa.BigInteger(), nullable=True),
    _text("currency", null=True),
    _moment("read_at"),
    sa.Index("ix_renewals_customer", "customer"),
    sa.Index("ix_renewals_method", "method"),
)

card_marks = sa.Table(
    "card_marks",
    metadata,
    _text("customer", key=True),
    _moment("marked_at"),
)

card_imports = sa.Table(
    "card_imports",
    metadata,
    _text("name", key=True),
    _text("after", null=True),
    _number("seen"),
    _moment("began_at"),
    _moment("finished_at", null=True),
)

refreshes = sa.Table(
    "refreshes",
    metadata,
    _text("name", key=True),
    sa.Column("selection", Json, nullable=False),
    _number("per_hour"),
    _moment("begun_at"),
    _moment("finished_at", null=True),
)

refresh_targets = sa.Table(
    "refresh_targets",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    _text("refresh"),
    _text("reference"),
    _text("customer", null=True),
    _text("version", null=True),
    _text("state"),
    _text("because", null=True),
    _moment("not_before", null=True),
    _moment("done_at", null=True),
    sa.UniqueConstraint("refresh", "reference"),
    sa.Index("ix_refresh_targets_refresh_state", "refresh", "state", "id"),
)
