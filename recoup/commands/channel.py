"""``recoup channel``: what is stopped for a customer, and an operator's word about it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

from recoup.commands._accounts import account

if TYPE_CHECKING:
    from recoup.ledger import ChannelStopRow, Ledger
    from recoup.settings import Settings


@click.group()
def channel() -> None:
    """Stop and open the channels over which customers hear from Recoup (docs/messages.md)."""


def _word(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--operator", help="Your account name; by default that of this machine."),
        click.option("--reason", required=True, help="Why; kept in the ledger, so nothing about persons."),
        click.option("--channel", "name", default="email", show_default=True, help="Which channel."),
        click.argument("customer"),
    ):
        command = option(command)
    return command


@channel.command()
@click.argument("customer")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each stop.")
def show(customer: str, as_json: bool) -> None:
    """Say what is stopped for a customer, and why."""
    with _ledger() as (settings, ledger):
        rows = _stops(settings, ledger, customer)
    if as_json:
        for row in rows:
            click.echo(row.model_dump_json(exclude={"subject"}))
        return
    click.echo("\n".join(map(line_of, rows)) or f"Nothing is stopped for {customer}.")


@channel.command()
@_word
def stop(customer: str, name: str, reason: str, operator: str | None) -> None:
    """Send this customer nothing more over a channel; a last notice then waits for a person."""
    from recoup.clock import clock_for
    from recoup.ledger import NewStop
    from recoup.rules.channels import StopReason

    known, who = _channel(name), account(operator, reason)
    with _ledger() as (settings, ledger):
        new = NewStop(
            channel=known,
            subject=customer,
            customer=customer,
            reason=StopReason.OPERATOR,
            detail=reason,
            actor=who,
        )
        news = ledger.channels.stop(new, clock_for(settings.clock_file).now())
    click.echo(f"{customer}: {known} {'is stopped' if news else 'was stopped already'}.")


@channel.command(name="open")
@_word
def reopen(customer: str, name: str, reason: str, operator: str | None) -> None:
    """Let messages to this customer out again, also to an address that bounced or complained."""
    from recoup.clock import clock_for

    known, who = _channel(name), account(operator, reason)
    with _ledger() as (settings, ledger):
        at, subjects = clock_for(settings.clock_file).now(), _subjects(settings, customer)
        count = ledger.channels.open(known, customer, subjects, at, actor=who, because=reason)
    click.echo(f"{customer}: {known} {'is open again' if count else 'was not stopped'}.")


def line_of(row: ChannelStopRow) -> str:
    """A stop in one line."""
    detail = f" ({row.detail})" if row.detail else ""
    return f"{row.stopped_at:%Y-%m-%d %H:%M} {row.channel} stopped, {row.reason}{detail}, by {row.actor}"


def _stops(settings: Settings, ledger: Ledger, customer: str) -> list[ChannelStopRow]:
    return ledger.channels.of_customer(customer, _subjects(settings, customer))


def _subjects(settings: Settings, customer: str) -> tuple[str, ...]:
    """The names of the customer's present address, read at Stripe."""
    from stripe import InvalidRequestError, StripeError

    from recoup.addressing import address_keys
    from recoup.billing import stripe_client
    from recoup.billing.customers import read_contact
    from recoup.errors import ConfigurationError, ConnectionFailed

    try:
        contact = read_contact(stripe_client(settings.stripe), customer)
    except InvalidRequestError:
        raise ConfigurationError(f"Stripe has no customer {customer}") from None
    except StripeError as error:
        raise ConnectionFailed(f"Stripe did not tell of {customer}: {type(error).__name__}") from None
    return address_keys(settings).of(contact.email)


def _channel(name: str) -> Any:
    from recoup.errors import ConfigurationError
    from recoup.rules.channels import Channel

    try:
        return Channel(name)
    except ValueError:
        known = ", ".join(each.value for each in Channel)
        raise ConfigurationError(f"--channel {name} is not a channel; there are {known}") from None


@contextmanager
def _ledger() -> Iterator[tuple[Settings, Ledger]]:
    from recoup.ledger import Ledger
    from recoup.settings import load_settings

    settings = load_settings()
    ledger = Ledger.connect(settings.database_url)
    try:
        yield settings, ledger
    finally:
        ledger.close()
