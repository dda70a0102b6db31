"""Leaving a customer alone who may have no case at all."""

from __future__ import annotations

import asyncio
import secrets

import click
import stripe

from recoup.billing import stripe_client
from recoup.billing.customers import read_contact
from recoup.clock import clock_for
from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.ledger import Ledger
from recoup.settings import Settings, load_settings
from recoup.temporal.excluding import Became, Exclusion, exclude
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.lazy import LazyClient


def exclude_customer(customer: str, actor: str, because: str) -> None:
    """Exclude them, and print what that changed.

    Raises:
        RecoupError: Stripe has no such customer or does not answer, or a case could not be told.
    """
    settings = load_settings()
    _known(settings, customer)
    ledger = Ledger.connect(settings.database_url)
    wanted = Exclusion(customer, actor, because, f"cli-{secrets.token_urlsafe(12)}")

    async def done() -> Became:
        # Who has no open case needs no Temporal.
        gateway = CaseGateway(LazyClient(settings.temporal))
        return await exclude(ledger, gateway, wanted, clock_for(settings.clock_file).now())

    try:
        became = asyncio.run(done())
    finally:
        ledger.close()
    ends = f" {became.told} open {'case ends' if became.told == 1 else 'cases end'}." if became.told else ""
    click.echo(
        f"{customer} {'is left alone from now on' if became.changed else 'was excluded already'}.{ends}"
    )


def _known(settings: Settings, customer: str) -> None:
    """A mistyped id would leave nobody alone, and nobody would notice."""
    try:
        read_contact(stripe_client(settings.stripe), customer)
    except stripe.StripeError as error:
        if error.code == "resource_missing":
            raise ConfigurationError(
                f"Stripe has no customer {customer}: look at the id, and whether it is of the same mode as the key"
            ) from error
        raise ConnectionFailed(
            f"Stripe could not read the customer {customer}: {error.code or type(error).__name__}; nobody was excluded"
        ) from error
