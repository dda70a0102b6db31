"""PostgreSQL keeps folded facts as they are: to press them takes longer than to read what is saved by it."""

from __future__ import annotations

from alembic import op

revision = "0017_blocks"
down_revision = "0016_figures"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Say so of the columns; what is in them already is written anew by and by."""
    if op.get_bind().dialect.name == "postgresql":
        for column in ("facts", "names"):
            op.execute(f"ALTER TABLE figure_blocks ALTER COLUMN {column} SET STORAGE EXTERNAL")
