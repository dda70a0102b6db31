"""An index by which the cases of an owner are found: few have one at all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_owners"
down_revision = "0017_blocks"
branch_labels = None
depends_on = None

_OWNED = sa.text("assigned_to IS NOT NULL")


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "ix_cases_assigned_to",
        "cases",
        ["assigned_to", "stage"],
        sqlite_where=_OWNED,
        postgresql_where=_OWNED,
    )
