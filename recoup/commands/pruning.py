"""``recoup prune``: rows that only help for a while are taken out of the ledger."""

from __future__ import annotations

import json

import click


@click.command()
@click.option(
    "--days", default=90, show_default=True, type=click.IntRange(35, 3650), help="How old they must be."
)
@click.option("--json", "as_json", is_flag=True, help="Print what went as JSON.")
def prune(days: int, as_json: bool) -> None:
    """Take what is no longer needed out of the ledger; figures and cases stay (docs/ledger.md)."""
    from datetime import timedelta

    from recoup.clock import clock_for
    from recoup.ledger import Ledger
    from recoup.settings import load_settings

    settings = load_settings()
    ledger, now = Ledger.connect(settings.database_url), clock_for(settings.clock_file).now()
    try:
        gone = ledger.pruning.prune(now - timedelta(days=days), now)
    finally:
        ledger.close()
    if as_json:
        click.echo(json.dumps({"days": days, "removed": gone}))
        return
    for table, count in gone.items():
        click.echo(f"{count:>9,} × {table}")
