"""``recoup import``: what happened at Stripe before Recoup, and beside it."""

from __future__ import annotations

from datetime import UTC, datetime

import click


@click.command(name="import")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    required=True,
    help="Invoices, payments and charges from this day on, UTC; of subscriptions all.",
)
@click.option("--whole", is_flag=True, help="Read all of it once more, not only what may have changed.")
def import_history(since: datetime, whole: bool) -> None:
    """Read invoices, payments, charges and subscriptions from Stripe into the ledger, for the figures.

    It goes on where it was broken off. Run again, it reads only what may have changed since (docs/figures.md).
    """
    from recoup.commands._importing import run_import

    run_import(since.replace(tzinfo=UTC), whole=whole)
