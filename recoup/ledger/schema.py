"""The tables of the ledger, one schema for SQLite and PostgreSQL.

What each column means stands in ``docs/ledger.md`` (held by a test). A change here needs a migration in ``migrations/versions``;
the drift test compares the two. The partial unique indexes are safeguards of their own: whatever the code above them
does, an invoice cannot have two open cases or two unsettled attempts.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from recoup.ledger._types import Json, RowId, UtcDateTime

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

_UNSETTLED = sa.text("settled_at IS NULL")
_NOT_CLOSED = sa.text("outcome IS NULL")
_OWNED = sa.text("assigned_to IS NOT NULL")
_SEARCHED = ("invoice", "number", "customer", "subscription")
"""PostgreSQL finds the beginning of a text in an index only where its order is that of the bytes."""
_COUNTED = (
    "stage", "decline_class", "currency", "campaign", "priority", "assigned_to", "amount", "failed_at", "id",
)  # fmt: skip
"""All that a list can be filtered by: cases are counted in this index alone."""
_LIVE = sa.text("revoked_at IS NULL AND replaced_at IS NULL")


def _text(name: str, *args: Any, null: bool = False, **more: Any) -> sa.Column[str]:
    return sa.Column(name, sa.String(), *args, nullable=null, **more)


def _moment(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, UtcDateTime(), nullable=null)


def _json(name: str, *, null: bool = False) -> sa.Column[Any]:
    return sa.Column(name, Json, nullable=null)


def _money(*, null: bool = False) -> list[sa.Column[Any]]:
    return [sa.Column("amount", sa.BigInteger(), nullable=null), _text("currency", null=null)]


cases = sa.Table(
    "cases",
    metadata,
    _text("id", primary_key=True),
    _text("invoice"),
    _text("number", null=True),
    _text("customer"),
    _text("subscription", null=True),
    *_money(),
    _moment("failed_at"),
    _text("campaign"),
    _text("policy_version"),
    _json("policy"),
    sa.Column("rules_version", sa.Integer(), nullable=False),
    _json("decline", null=True),
    _text("decline_class", null=True),
    _text("stage"),
    _text("next_kind", null=True),
    _moment("next_at", null=True),
    _text("next_because", null=True),
    _text("outcome", null=True),
    _text("because", null=True),
    _text("workflow_id", unique=True),
    _text("run_id"),
    sa.Column("is_return", sa.Boolean(), nullable=False),
    sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("0")),
    _text("assigned_to", null=True),
    _moment("opened_at"),
    _moment("updated_at"),
    _moment("closed_at", null=True),
    *(sa.Index(f"ix_cases_{name}", name, postgresql_ops={name: "varchar_pattern_ops"}) for name in _SEARCHED),
    sa.Index("ix_cases_campaign", "campaign"),
    sa.Index("ix_cases_currency", "currency"),
    sa.Index("ix_cases_opened_at", "opened_at"),
    sa.Index("ix_cases_stage_priority", "stage", sa.desc("priority"), "failed_at", "id"),
    sa.Index("ix_cases_stage_failed_at", "stage", "failed_at", "id"),
    sa.Index("ix_cases_stage_currency_amount", "stage", "currency", sa.desc("amount"), "id"),
    sa.Index("ix_cases_stage_updated_at", "stage", "updated_at", "id"),
    sa.Index("ix_cases_counted", *_COUNTED),
    sa.Index("ix_cases_assigned_to", "assigned_to", "stage", sqlite_where=_OWNED, postgresql_where=_OWNED),
    sa.Index(
        "uq_cases_open_invoice",
        "invoice",
        unique=True,
        sqlite_where=_NOT_CLOSED,
        postgresql_where=_NOT_CLOSED,
    ),
)

attempts = sa.Table(
    "attempts",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    _text("invoice"),
    sa.Column("number", sa.Integer(), nullable=False),
    _text("case_id", sa.ForeignKey("cases.id")),
    _text("customer"),
    _text("request", unique=True),
    _text("key", unique=True),
    _text("trigger"),
    _text("payment_method"),
    _text("fingerprint", null=True),
    _text("brand", null=True),
    *_money(),
    _text("latest_charge", null=True),
    _text("state"),
    _text("charge", null=True),
    _text("payment_intent", null=True),
    _json("decline", null=True),
    _text("decline_class", null=True),
    _text("because", null=True),
    _moment("reserved_at"),
    _moment("sent_at", null=True),
    _moment("counted_at"),
    _moment("settled_at", null=True),
    sa.UniqueConstraint("invoice", "number"),
    sa.Index("ix_attempts_case_id", "case_id"),
    sa.Index("ix_attempts_charge", "charge"),
    sa.Index("ix_attempts_fingerprint_counted_at", "fingerprint", "counted_at"),
    sa.Index(
        "uq_attempts_unsettled_invoice",
        "invoice",
        unique=True,
        sqlite_where=_UNSETTLED,
        postgresql_where=_UNSETTLED,
    ),
)

observed_charges = sa.Table(
    "observed_charges",
    metadata,
    _text("charge", primary_key=True),
    _text("invoice", null=True),
    _text("customer", null=True),
    _text("fingerprint", null=True),
    _text("brand", null=True),
    *_money(),
    sa.Column("failed", sa.Boolean(), nullable=False),
    _json("decline", null=True),
    _moment("made_at"),
    _moment("seen_at"),
    sa.Index("ix_observed_charges_fingerprint_made_at", "fingerprint", "made_at"),
    sa.Index("ix_observed_charges_customer", "customer"),
    sa.Index("ix_observed_charges_invoice", "invoice"),
)

messages = sa.Table(
    "messages",
    metadata,
    _text("key", primary_key=True),
    _text("case_id", sa.ForeignKey("cases.id"), null=True),
    _text("customer"),
    _text("template"),
    _text("channel"),
    _text("locale"),
    _text("state"),
    _text("provider_id", null=True),
    _text("because", null=True),
    _moment("reserved_at"),
    _moment("sending_at", null=True),
    _moment("finished_at", null=True),
    sa.Index("ix_messages_case_id", "case_id"),
    sa.Index("ix_messages_customer_reserved_at", "customer", "reserved_at"),
    sa.Index("ix_messages_provider_id", "provider_id"),
    sa.Index("ix_messages_reserved_at", "reserved_at"),
)

message_invoices = sa.Table(
    "message_invoices",
    metadata,
    _text("message", sa.ForeignKey("messages.key"), primary_key=True),
    _text("invoice", primary_key=True),
    _text("said"),
    _moment("suspend_at", null=True),
    _text("stands_for", null=True),
    sa.Index("ix_message_invoices_invoice", "invoice"),
)

decisions = sa.Table(
    "decisions",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    _text("case_id", sa.ForeignKey("cases.id")),
    _text("request"),
    _moment("at"),
    sa.Column("rules_version", sa.Integer(), nullable=False),
    _text("policy_version"),
    _json("known"),
    _json("candidates"),
    _json("choice"),
    _text("because"),
    sa.Column("propensity", sa.Float(), nullable=False),
    _text("model", null=True),
    sa.UniqueConstraint("case_id", "request"),
)

events = sa.Table(
    "events",
    metadata,
    sa.Column("id", RowId, primary_key=True),
    _moment("at"),
    _text("kind"),
    _text("case_id", null=True),
    _text("invoice", null=True),
    _text("customer", null=True),
    _text("actor"),
    _json("data"),
    _text("unique_key", null=True, unique=True),
    sa.Index("ix_events_case_id", "case_id"),
    sa.Index("ix_events_customer", "customer"),
    # Without it SQLite gives the number of a rolled-back or last row again, and a reader's bookmark would lie.
    sqlite_autoincrement=True,
)

links = sa.Table(
    "links",
    metadata,
    _text("id", primary_key=True),
    _text("customer"),
    _text("purpose"),
    sa.Column("generation", sa.Integer(), nullable=False),
    _moment("issued_at"),
    _moment("expires_at"),
    _moment("revoked_at", null=True),
    _moment("replaced_at", null=True),
    _moment("opened_at", null=True),
    sa.Column("opens", sa.Integer(), nullable=False),
    _moment("used_at", null=True),
    sa.Column("uses", sa.Integer(), nullable=False),
    sa.UniqueConstraint("customer", "purpose", "generation"),
    sa.Index("uq_links_live", "customer", "purpose", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
)

webhooks = sa.Table(
    "webhooks",
    metadata,
    _text("event_id", primary_key=True),
    _text("type"),
    _text("object_id", null=True),
    _moment("created"),
    _moment("first_at"),
    _moment("last_at"),
    sa.Column("deliveries", sa.Integer(), nullable=False),
    sa.Index("ix_webhooks_object_id", "object_id"),
    sa.Index("ix_webhooks_last_at", "last_at"),
)

access = sa.Table(
    "access",
    metadata,
    _text("subscription", primary_key=True),
    _text("customer"),
    _text("state"),
    _text("how"),
    _text("case_id", null=True),
    _moment("changed_at"),
    sa.Index("ix_access_customer", "customer"),
)

invoices = sa.Table(
    "invoices",
    metadata,
    _text("invoice", primary_key=True),
    sa.Column("auto_advance_before", sa.Boolean(), nullable=False),
    _moment("taken_over_at"),
    _moment("released_at", null=True),
)

rates = sa.Table(
    "rates",
    metadata,
    _text("name", primary_key=True),
    sa.Column("tokens", sa.Double(), nullable=False),
    _moment("at"),
)

destinations = sa.Table(
    "destinations",
    metadata,
    _text("name", primary_key=True),
    sa.Column("taken", sa.BigInteger(), nullable=False),
    sa.Column("trying", sa.BigInteger(), nullable=True),
    sa.Column("failures", sa.Integer(), nullable=False),
    _moment("held_until", null=True),
    _text("because", null=True),
    sa.Column("delivered", sa.BigInteger(), nullable=False),
    _moment("delivered_at", null=True),
    _text("claimed_by", null=True),
    _moment("claimed_until", null=True),
    _moment("began_at"),
)

deliveries = sa.Table(
    "deliveries",
    metadata,
    _text("destination", primary_key=True),
    sa.Column("event", sa.BigInteger(), primary_key=True, autoincrement=False),
    _text("subject"),
    _text("state"),
    sa.Column("attempts", sa.Integer(), nullable=False),
    sa.Column("status", sa.Integer(), nullable=True),
    _text("because", null=True),
    _moment("first_at"),
    _moment("last_at", null=True),
    _moment("next_at", null=True),
    sa.Index("ix_deliveries_destination_state_subject", "destination", "state", "subject"),
)

APPEND_ONLY = (events, decisions)
"""Tables whose rows nobody may change or remove; triggers of the migrations refuse it."""
