"""``recoup erase``: everything that leads to a customer goes."""

from __future__ import annotations

import click


@click.command()
@click.argument("customer")
@click.option("--operator", help="Your account name, kept in the ledger; by default that of this machine.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print what was erased as JSON.")
def erase(customer: str, operator: str | None, yes: bool, as_json: bool) -> None:
    """Take a customer out of ledger, histories and outbox; figures stay as they are (docs/erasure.md)."""
    from recoup.commands._erasing import erase_customer

    erase_customer(customer, operator, sure=yes, as_json=as_json)
