"""``recoup excluded``: which customers are left alone, leaving one alone, and taking that back."""

from __future__ import annotations

import click

from recoup.commands._accounts import account


@click.command()
@click.option("--add", metavar="CUSTOMER", help="Leave this customer alone: their open cases end, too.")
@click.option("--take-back", "customer", metavar="CUSTOMER", help="Recover this customer's failures again.")
@click.option("--reason", default="", help="Why; kept in the ledger, so nothing about persons.")
@click.option("--operator", help="Your account name; by default that of this machine.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each exclusion.")
def excluded(add: str | None, customer: str | None, reason: str, operator: str | None, as_json: bool) -> None:
    """List the customers whose failures are not recovered, exclude one, or take an exclusion back."""
    from recoup.clock import clock_for
    from recoup.ledger import Ledger
    from recoup.settings import load_settings

    if add is not None:
        from recoup.commands._excluding import exclude_customer

        exclude_customer(add, account(operator, reason), reason)
        return
    settings = load_settings()
    ledger = Ledger.connect(settings.database_url)
    try:
        if customer is not None:
            who, at = account(operator, reason), clock_for(settings.clock_file).now()
            changed = ledger.exclusions.take_back(customer, at, actor=who, because=reason)
            click.echo(f"{customer} {'is recovered again' if changed else 'was not excluded'}.")
            return
        rows = ledger.exclusions.standing()
    finally:
        ledger.close()
    lines = [
        row.model_dump_json() if as_json else f"{row.excluded_at:%Y-%m-%d %H:%M} {row.customer}: {row.said}"
        for row in rows
    ]
    if lines or not as_json:
        click.echo("\n".join(lines) or "Nobody is excluded.")
