"""The first tables: cases, attempts, messages, decisions, events, links, webhooks, access, invoices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# Written out and not imported: a migration must go on meaning what it meant when it was released.
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables, and the triggers that keep events and decisions as they are."""
    _cases()
    _attempts()
    _observed_charges()
    _messages()
    _decisions()
    _events()
    _links()
    _webhooks()
    _access()
    _invoices()
    for table in ("events", "decisions"):
        _append_only(table)


def _cases() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("number", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("subscription", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("failed_at", _MOMENT, nullable=False),
        sa.Column("campaign", sa.String(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("policy", _JSON, nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("decline", _JSON, nullable=True),
        sa.Column("decline_class", sa.String(), nullable=True),
        sa.Column("stage", sa.String(), nullable=False),
        sa.Column("next_kind", sa.String(), nullable=True),
        sa.Column("next_at", _MOMENT, nullable=True),
        sa.Column("next_because", sa.String(), nullable=True),
        sa.Column("outcome", sa.String(), nullable=True),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("workflow_id", sa.String(), nullable=False),
        sa.Column("run_id", sa.String(), nullable=False),
        sa.Column("is_return", sa.Boolean(), nullable=False),
        sa.Column("opened_at", _MOMENT, nullable=False),
        sa.Column("updated_at", _MOMENT, nullable=False),
        sa.Column("closed_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
        sa.UniqueConstraint("workflow_id", name=op.f("uq_cases_workflow_id")),
    )
    op.create_index("ix_cases_customer", "cases", ["customer"], unique=False)
    op.create_index("ix_cases_invoice", "cases", ["invoice"], unique=False)
    op.create_index("ix_cases_opened_at", "cases", ["opened_at"], unique=False)
    op.create_index("ix_cases_subscription", "cases", ["subscription"], unique=False)
    op.create_index(
        "uq_cases_open_invoice",
        "cases",
        ["invoice"],
        unique=True,
        sqlite_where=sa.text("outcome IS NULL"),
        postgresql_where=sa.text("outcome IS NULL"),
    )


def _attempts() -> None:
    op.create_table(
        "attempts",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("trigger", sa.String(), nullable=False),
        sa.Column("payment_method", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("latest_charge", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("charge", sa.String(), nullable=True),
        sa.Column("payment_intent", sa.String(), nullable=True),
        sa.Column("decline", _JSON, nullable=True),
        sa.Column("decline_class", sa.String(), nullable=True),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("reserved_at", _MOMENT, nullable=False),
        sa.Column("sent_at", _MOMENT, nullable=True),
        sa.Column("counted_at", _MOMENT, nullable=False),
        sa.Column("settled_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_attempts_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("invoice", "number", name=op.f("uq_attempts_invoice_number")),
        sa.UniqueConstraint("key", name=op.f("uq_attempts_key")),
        sa.UniqueConstraint("request", name=op.f("uq_attempts_request")),
    )
    op.create_index("ix_attempts_case_id", "attempts", ["case_id"], unique=False)
    op.create_index("ix_attempts_charge", "attempts", ["charge"], unique=False)
    op.create_index(
        "ix_attempts_fingerprint_counted_at", "attempts", ["fingerprint", "counted_at"], unique=False
    )
    op.create_index(
        "uq_attempts_unsettled_invoice",
        "attempts",
        ["invoice"],
        unique=True,
        sqlite_where=sa.text("settled_at IS NULL"),
        postgresql_where=sa.text("settled_at IS NULL"),
    )


def _observed_charges() -> None:
    op.create_table(
        "observed_charges",
        sa.Column("charge", sa.String(), nullable=False),
        sa.Column("invoice", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(), nullable=False),
        sa.Column("failed", sa.Boolean(), nullable=False),
        sa.Column("decline", _JSON, nullable=True),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.Column("seen_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("charge", name=op.f("pk_observed_charges")),
    )
    op.create_index(
        "ix_observed_charges_fingerprint_made_at",
        "observed_charges",
        ["fingerprint", "made_at"],
        unique=False,
    )
    op.create_index("ix_observed_charges_invoice", "observed_charges", ["invoice"], unique=False)


def _messages() -> None:
    op.create_table(
        "messages",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("template", sa.String(), nullable=False),
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("locale", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("provider_id", sa.String(), nullable=True),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("reserved_at", _MOMENT, nullable=False),
        sa.Column("sending_at", _MOMENT, nullable=True),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_messages_case_id_cases")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_messages")),
    )
    op.create_index("ix_messages_case_id", "messages", ["case_id"], unique=False)
    op.create_index("ix_messages_customer_reserved_at", "messages", ["customer", "reserved_at"], unique=False)


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("case_id", sa.String(), nullable=False),
        sa.Column("request", sa.String(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("rules_version", sa.Integer(), nullable=False),
        sa.Column("policy_version", sa.String(), nullable=False),
        sa.Column("known", _JSON, nullable=False),
        sa.Column("candidates", _JSON, nullable=False),
        sa.Column("choice", _JSON, nullable=False),
        sa.Column("because", sa.String(), nullable=False),
        sa.Column("propensity", sa.Float(), nullable=False),
        sa.Column("model", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_decisions_case_id_cases")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decisions")),
        sa.UniqueConstraint("case_id", "request", name=op.f("uq_decisions_case_id_request")),
    )


def _events() -> None:
    op.create_table(
        "events",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("invoice", sa.String(), nullable=True),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("actor", sa.String(), nullable=False),
        sa.Column("data", _JSON, nullable=False),
        sa.Column("unique_key", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("unique_key", name=op.f("uq_events_unique_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_events_case_id", "events", ["case_id"], unique=False)
    op.create_index("ix_events_customer", "events", ["customer"], unique=False)


def _links() -> None:
    op.create_table(
        "links",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("purpose", sa.String(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("issued_at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.Column("revoked_at", _MOMENT, nullable=True),
        sa.Column("replaced_at", _MOMENT, nullable=True),
        sa.Column("opened_at", _MOMENT, nullable=True),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("used_at", _MOMENT, nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_links")),
        sa.UniqueConstraint(
            "customer", "purpose", "generation", name=op.f("uq_links_customer_purpose_generation")
        ),
    )
    op.create_index(
        "uq_links_live",
        "links",
        ["customer", "purpose"],
        unique=True,
        sqlite_where=sa.text("revoked_at IS NULL AND replaced_at IS NULL"),
        postgresql_where=sa.text("revoked_at IS NULL AND replaced_at IS NULL"),
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("event_id", sa.String(), nullable=False),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("object_id", sa.String(), nullable=True),
        sa.Column("created", _MOMENT, nullable=False),
        sa.Column("first_at", _MOMENT, nullable=False),
        sa.Column("last_at", _MOMENT, nullable=False),
        sa.Column("deliveries", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_webhooks")),
    )
    op.create_index("ix_webhooks_object_id", "webhooks", ["object_id"], unique=False)


def _access() -> None:
    op.create_table(
        "access",
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.Column("case_id", sa.String(), nullable=True),
        sa.Column("changed_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("subscription", name=op.f("pk_access")),
    )
    op.create_index("ix_access_customer", "access", ["customer"], unique=False)


def _invoices() -> None:
    op.create_table(
        "invoices",
        sa.Column("invoice", sa.String(), nullable=False),
        sa.Column("auto_advance_before", sa.Boolean(), nullable=False),
        sa.Column("taken_over_at", _MOMENT, nullable=False),
        sa.Column("released_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("invoice", name=op.f("pk_invoices")),
    )


def _append_only(table: str) -> None:
    if op.get_bind().dialect.name == "sqlite":
        for change in ("update", "delete"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{change} BEFORE {change} ON {table} "
                f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
            )
        return
    op.execute(
        f"CREATE FUNCTION {table}_append_only() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{table} are append-only' USING ERRCODE = 'integrity_constraint_violation'; END $$"
    )
    op.execute(
        f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        f"FOR EACH STATEMENT EXECUTE FUNCTION {table}_append_only()"
    )
