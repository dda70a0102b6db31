"""``recoup console``: the operators' web process, and the accounts that log in to it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from datetime import datetime

    from recoup.ledger import Ledger

ROLES = ("viewer", "operator", "admin")


@click.group(invoke_without_command=True)
@click.option("--host", help="The address to listen on, instead of console.host.")
@click.option("--port", type=click.IntRange(0, 65535), help="The port, instead of console.port.")
@click.pass_context
def console(context: click.Context, host: str | None, port: int | None) -> None:
    """Run the operators' console, a private web process (docs/console.md)."""
    if context.invoked_subcommand is not None:
        return
    from recoup.logs import configure_logs
    from recoup.settings import load_settings
    from recoup.web.console import serve_console

    configure_logs()
    settings = load_settings()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    if port is not None and "public_url" not in settings.console.model_fields_set:
        given["public_url"] = f"http://127.0.0.1:{port}"
    changed = settings.console.model_copy(update=given)
    serve_console(settings.model_copy(update={"console": changed}))


@console.group()
def user() -> None:
    """Look after the accounts of the console."""


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True, help="What the account may do.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(name: str, role: str, password_stdin: bool) -> None:
    """Make an account; its password is asked for."""
    from recoup.errors import ConfigurationError
    from recoup.ledger import Role

    _check_name(name)
    kept = _password(from_stdin=password_stdin)
    with _ledger() as (ledger, now):
        if not ledger.console.add_user(name, Role(role), kept, now):
            raise ConfigurationError(f"There is an account {name} already; choose another name")
        _log(ledger, "user.add", name, now, role=role)
    click.echo(f"{name} can log in as {role}.")


@user.command("list")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each account.")
def list_(as_json: bool) -> None:
    """List the accounts."""
    with _ledger() as (ledger, _):
        users = ledger.console.users()
    for each in users:
        if as_json:
            shown = each.model_dump(mode="json", exclude={"password"}) | {"local": each.is_local}
            click.echo(json.dumps(shown))
        else:
            state = f"disabled since {each.disabled_at:%Y-%m-%d}" if each.disabled_at else "active"
            click.echo(f"{each.name}  {each.role}  {state}{'' if each.is_local else '  through OIDC'}")
    if not users and not as_json:
        click.echo("There is no account yet: `recoup console user add NAME --role admin` makes one.")


@user.command()
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def password(name: str, password_stdin: bool) -> None:
    """Set another password; every session of the account ends."""
    with _ledger() as (ledger, now), _known(name):
        _check_local(ledger, name, "has no password")
        ledger.console.set_password(name, _password(from_stdin=password_stdin), now)
        _log(ledger, "user.password", name, now)
    click.echo(f"{name} has another password; every session of the account has ended.")


@user.command()
@click.argument("name")
@click.argument("role", type=click.Choice(ROLES))
def role(name: str, role: str) -> None:
    """Give an account another role; every session of it ends."""
    from recoup.ledger import Role

    with _ledger() as (ledger, now), _known(name):
        _check_local(ledger, name, "gets its role from there each time")
        ledger.console.set_role(name, Role(role), now)
        _log(ledger, "user.role", name, now, role=role)
    click.echo(f"{name} is {role} now; every session of the account has ended.")


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Let nobody log in by this name any more, and end every session of it."""
    with _ledger() as (ledger, now), _known(name):
        ledger.console.disable_user(name, now)
        _log(ledger, "user.disable", name, now)
    click.echo(f"{name} cannot log in any more; every session of the account has ended.")


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let an account that was disabled log in again."""
    with _ledger() as (ledger, now), _known(name):
        ledger.console.enable_user(name, now)
        _log(ledger, "user.enable", name, now)
    click.echo(f"{name} can log in again.")


@contextmanager
def _ledger() -> Iterator[tuple[Ledger, datetime]]:
    from recoup.clock import clock_for
    from recoup.ledger import Ledger
    from recoup.settings import load_settings

    settings = load_settings()
    ledger = Ledger.connect(settings.database_url)
    try:
        yield ledger, clock_for(settings.clock_file).now()
    finally:
        ledger.close()


@contextmanager
def _known(name: str) -> Iterator[None]:
    from recoup.errors import ConfigurationError
    from recoup.ledger import NotInLedger

    try:
        yield
    except NotInLedger:
        raise ConfigurationError(
            f"There is no account {name}; `recoup console user list` shows them"
        ) from None


def _check_local(ledger: Ledger, name: str, so: str) -> None:
    from recoup.errors import ConfigurationError

    user = ledger.console.user(name)
    if user is not None and not user.is_local:
        raise ConfigurationError(f"{name} logs in through the identity provider and {so}: change it there")


def _check_name(name: str) -> None:
    """The name stands with every word to a case, and has to be one that a case takes."""
    from pydantic import TypeAdapter, ValidationError

    from recoup.errors import ConfigurationError
    from recoup.rules.people import Account

    try:
        TypeAdapter(Account).validate_python(name)
    except ValidationError:
        raise ConfigurationError(
            f"{name} cannot be an account name: letters, digits, dots, dashes and underscores, 60 at most"
        ) from None


def _password(*, from_stdin: bool) -> str:
    from recoup.web.console import hashed

    if from_stdin:
        return hashed(sys.stdin.readline().rstrip("\r\n"))
    return hashed(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _log(ledger: Ledger, action: str, name: str, now: datetime, **data: str) -> None:
    import getpass

    from recoup.ledger import NewLog

    who = f"{getpass.getuser()} (command line)"
    ledger.console.log(NewLog(actor=who, action=action, subject=name, data=data), now)
