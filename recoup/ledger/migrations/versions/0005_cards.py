"""Cards before they fail: the mirror of Stripe's cards and renewals, and the mass updates."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_cards"
down_revision = "0002"
branch_labels = None
depends_on = None

# Written out and not imported: a migration must go on meaning what it meant when it was released.
_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Make the tables."""
    _cards()
    _renewals()
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
