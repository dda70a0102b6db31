"""The commands about cards before they fail. What a command needs is imported when it runs, as in :mod:`recoup.cli`."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from activities.card_contracts import ExpiringResult

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
        f"{tally.told} customers reminded, {tally.left} needed nothing, {tally.failed} could not be reminded"
    )
    return [f"The mirror: {kept}.", f"Expiring cards: {tally.looked} looked at, {sent}."]
