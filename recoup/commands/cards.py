"""The commands about cards before they fail. What a command needs is imported when it runs, as in :mod:`recoup.cli`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from activities.card_contracts import ExpiringResult

_FILE = click.Path(dir_okay=False, path_type=Path)
SILENCE = "No worker has taken it up yet; it begins when one runs (`recoup worker`)."


@click.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was done as JSON.")
def expiring(as_json: bool) -> int:
    """Remind customers now whose card expires before their next payment, as the schedule does; a worker has to run."""
    import asyncio

    from recoup.settings import load_settings
    from recoup.temporal.connection import connect
    from recoup.temporal.expiring import remind_now

    async def reminded() -> ExpiringResult:
        client = await connect(load_settings().temporal)
        return await remind_now(client, "recoup expiring", lambda: click.echo(SILENCE, err=True))

    result = asyncio.run(reminded())
    click.echo(result.model_dump_json(indent=2) if as_json else "\n".join(_lines(result)))
    return 1 if result.tally.failed else 0


def _lines(result: ExpiringResult) -> list[str]:
    mirror, tally = result.mirror, result.tally
    kept = f"{mirror.caught_up} customers read again, {mirror.imported} subscriptions imported"
    sent = (
        f"{tally.told} customers reminded, {tally.left} needed nothing, {tally.failed} could not be reminded,"
        f" {tally.waits} wait for their hour"
    )
    return [f"The mirror: {kept}.", f"Expiring cards: {tally.looked} looked at, {sent}."]


@click.group(invoke_without_command=True)
@click.option(
    "--cards", type=_FILE, help="A list of payment methods or customers: the first field of each line."
)
@click.option("--issuer", help="Every card of this bank, where Stripe tells it.")
@click.option("--bin", "bin_", help="Every card whose number begins so, where Stripe tells it.")
@click.option("--expires", help="Every card with this last month: 2027-03.")
@click.option(
    "--name", help="By default made from the list or the choice, so that the same again is the same one."
)
@click.option(
    "--per-hour", type=click.IntRange(1, 1_000_000), default=1000, show_default=True, help="Messages at most."
)
@click.option("--wait", is_flag=True, help="Show the progress until it ends.")
@click.pass_context
def refresh(
    context: click.Context,
    cards: Path | None,
    issuer: str | None,
    bin_: str | None,
    expires: str | None,
    name: str | None,
    per_hour: int,
    wait: bool,
) -> int:
    """Ask many customers for a new card, each once: those of a list, or those whose card has something in common.

    Repeated with the same name it goes on with whoever waits, takes in whoever is new, and asks nobody again.
    """
    if context.invoked_subcommand is not None:
        return 0
    from recoup.refreshing import Wanted, run

    return run(Wanted(cards, issuer, bin_, expires, name, per_hour), wait=wait)


@refresh.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
def status(name: str | None, as_json: bool) -> int:
    """Say how far a mass update is; without a name, list them all."""
    from recoup.refreshing import show_all, show_one

    return show_one(name, as_json=as_json) if name else show_all(as_json=as_json)


@refresh.command()
@click.argument("name")
@click.option("--reason", default="no reason given", show_default=True, help="Kept and shown with it.")
def pause(name: str, reason: str) -> int:
    """Write to nobody until it is resumed."""
    from recoup.refreshing import tell

    return tell(name, "pause", reason)


@refresh.command()
@click.argument("name")
@click.option("--reason", default="no reason given", show_default=True, help="Kept and shown with it.")
def resume(name: str, reason: str) -> int:
    """Go on after a pause."""
    from recoup.refreshing import tell

    return tell(name, "resume", reason)


@refresh.command()
@click.argument("name")
@click.option("--reason", default="no reason given", show_default=True, help="Kept and shown with it.")
def stop(name: str, reason: str) -> int:
    """End it; whoever still waits is not written to."""
    from recoup.refreshing import tell

    return tell(name, "stop", reason)
