"""Cards before they fail: the mirror of Stripe's cards and renewals, and the mass updates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005_cards"
down_revision = "0004_integrations"
branch_labels = None
depends_on = None

# Written out and not imported: a migration must go on meaning what it meant when it was released.
_MOMENT = sa.DateTime(timezone=True)
_JSON = sa.JSON(none_as_null=True).with_variant(postgresql.JSONB(none_as_null=True), "postgresql")
_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    _cards()
    _renewals()
    _refreshes()
    op.create_table(
        "card_marks",
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("marked_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("customer", name=op.f("pk_card_marks")),
    )
    op.create_table(
        "card_imports",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("after", sa.String(), nullable=True),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.Column("began_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_card_imports")),
    )


def _cards() -> None:
    op.create_table(
        "cards",
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("brand", sa.String(), nullable=True),
        sa.Column("funding", sa.String(), nullable=True),
        sa.Column("country", sa.String(), nullable=True),
        sa.Column("fingerprint", sa.String(), nullable=True),
        sa.Column("issuer", sa.String(), nullable=True),
        sa.Column("bin", sa.String(), nullable=True),
        sa.Column("exp_year", sa.Integer(), nullable=False),
        sa.Column("exp_month", sa.Integer(), nullable=False),
        sa.Column("read_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("method", name=op.f("pk_cards")),
    )
    op.create_index("ix_cards_customer", "cards", ["customer"])
    op.create_index("ix_cards_exp_year_exp_month", "cards", ["exp_year", "exp_month"])


def _renewals() -> None:
    op.create_table(
        "renewals",
        sa.Column("subscription", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=True),
        sa.Column("renews_at", _MOMENT, nullable=False),
        sa.Column("interval", sa.String(), nullable=False),
        sa.Column("interval_count", sa.Integer(), nullable=False),
        sa.Column("charged_at", _MOMENT, nullable=True),
        sa.Column("amount", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(), nullable=True),
        sa.Column("read_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("subscription", name=op.f("pk_renewals")),
    )
    op.create_index("ix_renewals_customer", "renewals", ["customer"])
    op.create_index("ix_renewals_method", "renewals", ["method"])


def _refreshes() -> None:
    op.create_table(
        "refreshes",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("selection", _JSON, nullable=False),
        sa.Column("per_hour", sa.Integer(), nullable=False),
        sa.Column("begun_at", _MOMENT, nullable=False),
        sa.Column("finished_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_refreshes")),
    )
    op.create_table(
        "refresh_targets",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("refresh", sa.String(), nullable=False),
        sa.Column("reference", sa.String(), nullable=False),
        sa.Column("customer", sa.String(), nullable=True),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("because", sa.String(), nullable=True),
        sa.Column("not_before", _MOMENT, nullable=True),
        sa.Column("done_at", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refresh_targets")),
        sa.UniqueConstraint("refresh", "reference", name=op.f("uq_refresh_targets_refresh_reference")),
    )
    op.create_index("ix_refresh_targets_refresh_state", "refresh_targets", ["refresh", "state", "id"])
