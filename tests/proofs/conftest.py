"""What the proofs stand on: ledgers of both kinds, and the activities over a sandbox."""

from __future__ import annotations

from tests.activities.conftest import desk, sandbox
from tests.ledger.conftest import ledger_url, migrated_postgres

__all__ = ["desk", "ledger_url", "migrated_postgres", "sandbox"]
