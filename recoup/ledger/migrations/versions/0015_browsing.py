"""Indexes for looking through a million cases: every order of the lists, what they are filtered by, and what is searched for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_browsing"
down_revision = "0014_erasing"
branch_labels = None
depends_on = None

_COUNTED = [
    "stage", "decline_class", "currency", "campaign", "priority", "assigned_to", "amount", "failed_at", "id",
]  # fmt: skip


def upgrade() -> None:
    """Make the indexes; those of texts that are searched for are made anew, in the order of the bytes."""
    for name in ("invoice", "customer", "subscription"):
        op.drop_index(f"ix_cases_{name}", "cases")
    for name in ("invoice", "number", "customer", "subscription"):
        op.create_index(f"ix_cases_{name}", "cases", [name], postgresql_ops={name: "varchar_pattern_ops"})
    op.create_index("ix_cases_campaign", "cases", ["campaign"])
    op.create_index("ix_cases_currency", "cases", ["currency"])
    op.create_index("ix_cases_stage_priority", "cases", ["stage", sa.desc("priority"), "failed_at", "id"])
    op.create_index("ix_cases_stage_failed_at", "cases", ["stage", "failed_at", "id"])
    op.create_index("ix_cases_stage_currency_amount", "cases", ["stage", "currency", sa.desc("amount"), "id"])
    op.create_index("ix_cases_stage_updated_at", "cases", ["stage", "updated_at", "id"])
    op.create_index("ix_cases_counted", "cases", _COUNTED)
