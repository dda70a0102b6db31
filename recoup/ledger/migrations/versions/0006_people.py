"""How much a case matters, and whose it is."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_people"
down_revision = "0005_cards"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; cases that are there already matter no more and no less, and nobody has them."""
    op.add_column("cases", sa.Column("priority", sa.Integer(), nullable=False, server_default=sa.text("0")))
    op.add_column("cases", sa.Column("assigned_to", sa.String(), nullable=True))
