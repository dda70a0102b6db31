"""The command ``recoup``. What a command needs is imported when it runs, so that ``--help`` answers at once."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click

from recoup import __version__
from recoup.commands.backtest import backtest
from recoup.commands.cards import expiring, refresh
from recoup.commands.cases import case, cases
from recoup.commands.channel import channel
from recoup.commands.codec import codec
from recoup.commands.console import console
from recoup.commands.erasing import erase
from recoup.commands.excluded import excluded
from recoup.commands.experiments import experiments
from recoup.commands.importing import import_history
from recoup.commands.integrations import integrations
from recoup.commands.policy import policy
from recoup.commands.pruning import prune
from recoup.commands.rehearse import rehearse
from recoup.commands.report import report
from recoup.commands.simulate import simulate
from recoup.commands.timing import timing
from recoup.process import EXIT_INTERRUPTED, run_to_exit

if TYPE_CHECKING:
    from activities.sweep_contracts import SweepResult

_FILE = click.Path(dir_okay=False, path_type=Path)
_DIRECTORY = click.Path(file_okay=False, path_type=Path)


def main() -> NoReturn:
    """The entry point; exit codes as in ``docs/commands.md``."""
    run_to_exit(_run)


def _run() -> int:
    try:
        code = cli(prog_name="recoup", standalone_mode=False)
    except click.Abort:
        return EXIT_INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    return code if isinstance(code, int) else 0


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="recoup")
def cli() -> None:
    """Win back failed Stripe subscription payments.

    Settings come from the environment (RECOUP_…), from .env and from recoup.toml; docs/configuration.md lists them.
    """


@cli.command()
@click.option(
    "--world", type=_FILE, help="Another world than the one that ships with Recoup (docs/worlds.md)."
)
@click.option("--policy", type=_FILE, help="Another policy than the one that ships with Recoup.")
@click.option("--headless", is_flag=True, help="Run as fast as possible, end by itself, show no live table.")
@click.option("--json", "json_file", type=_FILE, help="Write the cases with their timelines to this file.")
@click.option(
    "--pace", type=click.FloatRange(0, 3600), help="Real seconds for a virtual day; 1, or 0 with --headless."
)
@click.option("--keep", type=_DIRECTORY, help="Keep databases, mails and logs in this new directory.")
def demo(
    world: Path | None,
    policy: Path | None,
    headless: bool,
    json_file: Path | None,
    pace: float | None,
    keep: Path | None,
) -> int:
    """Watch failed payments being recovered: the whole stack on this machine, days passing in seconds."""
    from recoup.demo.run import Options, run_demo

    return run_demo(Options(world, policy, headless, json_file, pace, keep))


@cli.command()
@click.option("--runs", type=click.IntRange(0), default=1000, show_default=True, help="How many recoveries.")
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="The first run's seed.")
@click.option("--json", "json_file", type=_FILE, help="Write all figures to this file.")
@click.option(
    "--processes", type=click.IntRange(0), default=0, help="So many more with real processes, kill -9."
)
@click.option("--shards", type=click.IntRange(1, 64), default=2, show_default=True, help="Side by side.")
@click.option(
    "--traces",
    type=_DIRECTORY,
    default="chaos-traces",
    show_default=True,
    help="Where the traces of runs that failed are kept.",
)
def chaos(runs: int, seed: int, json_file: Path | None, processes: int, shards: int, traces: Path) -> int:
    """Recover failed payments while everything around goes wrong, then compare all books (docs/reliability.md)."""
    from recoup.chaos.play import Options, run_chaos

    return run_chaos(Options(runs, seed, processes, json_file, shards, traces))


@cli.command()
def worker() -> None:
    """Run a worker: it carries the cases and acts for them. As many as you like may run."""
    import worker as process

    process.main()


@cli.command()
def starter() -> None:
    """Run the starter: the public web process for Stripe's webhooks and the customers' pages."""
    import starter as process

    process.main()


@cli.command(
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True, "help_option_names": []},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
def sandbox(arguments: tuple[str, ...]) -> None:
    """Run a Stripe on this machine; `recoup sandbox --help` shows its own options."""
    sys.stdout.flush()
    # It becomes that process: nothing of the product may be in it.
    os.execv(sys.executable, [sys.executable, "-m", "recoup.sandbox", *arguments])  # noqa: S606 - this very Python


@cli.command()
@click.option("--live", is_flag=True, help="Look also at what runs: workers, schedules, late cases, silence.")
@click.option("--json", "as_json", is_flag=True, help="Print the findings as JSON.")
def doctor(live: bool, as_json: bool) -> int:
    """Check the settings and everything that Recoup depends on, and say what to mend."""
    from recoup.doctor import examine, show

    return show(examine(live=live), as_json=as_json)


@cli.command()
def migrate() -> None:
    """Make or bring up to date the tables of the ledger."""
    from recoup.ledger import Ledger
    from recoup.settings import load_settings

    ledger = Ledger.connect(load_settings().database_url)
    try:
        ledger.migrate()
        click.echo(f"The ledger at {ledger.name} is up to date.")
    finally:
        ledger.close()


@cli.command()
def bootstrap() -> None:
    """Prepare Temporal: make the namespace, the search attributes and the schedules, whatever is missing."""
    import asyncio

    from recoup.settings import load_settings
    from recoup.temporal.bootstrap import prepare
    from recoup.temporal.connection import connect
    from recoup.temporal.regular import keep_regular

    loaded = load_settings()
    settings = loaded.temporal

    async def made() -> tuple[str, ...]:
        client = await connect(settings)
        return (*await prepare(client), *await keep_regular(client, loaded))

    for what in asyncio.run(made()):
        click.echo(f"made: {what}")
    click.echo(f"Temporal at {settings.address} is ready for Recoup in the namespace {settings.namespace}.")


@cli.command()
@click.option("--json", "as_json", is_flag=True, help="Print what was found and mended as JSON.")
def sweep(as_json: bool) -> int:
    """Look now for what no webhook told, mend it, and say what was found; a worker has to run."""
    import asyncio

    from recoup.settings import load_settings
    from recoup.temporal.connection import connect
    from recoup.temporal.sweep_report import lines_of
    from recoup.temporal.sweeping import sweep_now

    def silence() -> None:
        click.echo(
            "No worker has taken the sweep up yet; it begins when one runs (`recoup worker`).", err=True
        )

    async def swept() -> SweepResult:
        return await sweep_now(await connect(load_settings().temporal), "recoup sweep", silence)

    result = asyncio.run(swept())
    click.echo(result.model_dump_json(indent=2) if as_json else "\n".join(lines_of(result)))
    return 0 if result.is_whole else 1


for command in (
    backtest, cases, case, channel, codec, console, erase, excluded, experiments, expiring, integrations, policy, prune, refresh, rehearse, report, simulate, timing,
    import_history,
):  # fmt: skip
    cli.add_command(command)
