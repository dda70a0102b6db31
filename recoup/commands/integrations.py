"""The commands ``recoup integrations``: how the destinations stand, and delivering again."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from recoup.settings import Settings


@click.group()
def integrations() -> None:
    """Look after the deliveries to webhooks, CRMs and Slack (docs/integrations.md)."""


@integrations.command()
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(as_json: bool) -> int:
    """Say of each destination what was delivered, what waits, and what was parked and why; 1 where anything was parked."""
    import json

    from recoup.clock import clock_for
    from recoup.integrations.status import lines_of, status_of
    from recoup.ledger import Ledger
    from recoup.settings import load_settings

    settings = load_settings()
    ledger = Ledger.connect(settings.database_url)
    try:
        found = [status_of(ledger, each.name, each.kind) for each in settings.integrations.destinations]
    finally:
        ledger.close()
    if as_json:
        click.echo(json.dumps([each.model_dump(mode="json") for each in found], indent=2))
    else:
        now = clock_for(settings.clock_file).now()
        said = [line for each in found for line in lines_of(each, now)]
        click.echo("\n".join(said or ["No destination is configured (integrations.destinations)."]))
    return 1 if any(each.parked for each in found) else 0


@integrations.command()
@click.option("--destination", required=True, help="The destination's name in the settings.")
@click.option(
    "--event", "events", type=click.IntRange(1), multiple=True, help="An event's number; repeatable."
)
@click.option("--since", help="Everything from this moment on, in ISO form: 2026-11-22T09:00:00Z.")
@click.option("--parked", is_flag=True, help="Everything that was refused or given up.")
def replay(destination: str, events: tuple[int, ...], since: str | None, parked: bool) -> None:
    """Deliver events once more, with the same ids; a CRM that has one already keeps it as it is."""
    from recoup.clock import clock_for
    from recoup.integrations.replaying import Wanted, replayed
    from recoup.ledger import Ledger
    from recoup.settings import load_settings

    if sum((bool(events), since is not None, parked)) != 1:
        raise click.UsageError("Say what to deliver again: one of --event, --since and --parked.")
    settings = load_settings()
    _known(settings, destination)
    wanted = Wanted(events=events, since=_moment(since) if since else None, parked=parked)
    ledger = Ledger.connect(settings.database_url)
    try:
        count = replayed(ledger, destination, wanted, clock_for(settings.clock_file).now())
    finally:
        ledger.close()
    click.echo(f"{count} to be delivered to {destination} again.")
    if count:
        _wake(settings, destination)


def _known(settings: Settings, destination: str) -> None:
    from recoup.errors import ConfigurationError

    names = [each.name for each in settings.integrations.destinations]
    if destination not in names:
        listed = ", ".join(names) or "none"
        raise ConfigurationError(
            f"There is no destination {destination}: the settings name {listed} (integrations.destinations)"
        )


def _moment(text: str) -> datetime:
    from recoup.errors import ConfigurationError

    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(f"{text} is no moment: write it like 2026-11-22T09:00:00Z") from None
    if moment.tzinfo is None:
        raise ConfigurationError(f"{text} has no time zone: write it like 2026-11-22T09:00:00Z")
    return moment


def _wake(settings: Settings, destination: str) -> None:
    import asyncio

    from recoup.errors import ConnectionFailed
    from recoup.temporal.connection import connect
    from recoup.temporal.delivering import look_now

    async def woken() -> bool:
        return await look_now(await connect(settings.temporal), destination)

    try:
        if not asyncio.run(woken()):
            click.echo(
                "No worker carries its deliveries yet; they go when one runs (`recoup worker`).", err=True
            )
    except ConnectionFailed as error:
        click.echo(f"{error}; they go when the destination is looked after next.", err=True)
