"""``recoup simulate``: ways of choosing the moment against worlds, and the worlds' customers for the sandbox."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import click

from recoup.clock import SystemClock
from recoup.commands._sums import one_thread_for_sums
from recoup.errors import ConfigurationError

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--world", "names", multiple=True, help="A world that ships, or a file; repeatable (docs/simulate.md)."
)
@click.option(
    "--family", type=click.IntRange(0), default=0, help="So many worlds drawn around the reference."
)
@click.option("--odd", type=click.IntRange(0), default=0, help="So many drawn outside its family.")
@click.option(
    "--cases", type=click.IntRange(1), default=1000, show_default=True, help="Failures in each world."
)
@click.option("--attempts", type=click.IntRange(1, 20), default=8, show_default=True, help="Retries at most.")
@click.option(
    "--window-days", type=click.IntRange(1, 60), default=14, show_default=True, help="In so many days."
)
@click.option("--seed", type=click.IntRange(0), default=1, show_default=True, help="Draws other cases.")
@click.option("--model", type=_FILE, help="A learned model to be judged beside the others.")
@click.option(
    "--learn",
    type=click.IntRange(1),
    multiple=True,
    help="Also a model that learned from so many attempts of other failures of the same world; repeatable.",
)
@click.option(
    "--log", type=_FILE, help="Only write the attempts of one world, made at random moments, to learn from."
)
@click.option(
    "--starts",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Failures fall in the four weeks from this day, not in the year 2026; with --sandbox by default from next Monday.",
)
@click.option(
    "--sandbox",
    "sandbox_file",
    type=_FILE,
    help="Only write the customers of one world as a world of the sandbox.",
)
@click.option("--no-bounds", is_flag=True, help="Without the oracle and the clairvoyant.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON line for each world.")
def simulate(
    names: tuple[str, ...],
    family: int,
    odd: int,
    cases: int,
    attempts: int,
    window_days: int,
    seed: int,
    model: Path | None,
    learn: tuple[int, ...],
    log: Path | None,
    starts: datetime | None,
    sandbox_file: Path | None,
    no_bounds: bool,
    as_json: bool,
) -> None:
    """Play ways of choosing the moment against worlds of banks and customers, and compare them."""
    one_thread_for_sums()
    import json

    from recoup.simulation import cast, learning, means
    from recoup.simulation import simulate as simulation
    from recoup.simulation.cases import YEAR, Season
    from recoup.simulation.rivals import Setting
    from recoup.timing.model import load, stories_for

    setting = Setting(attempts, window_days)
    given = {"learned": stories_for(load(model))} if model is not None else {}
    results = []
    chosen = names or (() if family or odd else ("reference",))
    if sandbox_file is not None:
        if log is not None or len(chosen) + family + odd != 1:
            raise click.UsageError(
                "--sandbox writes the customers of one world; give one world, and no --log"
            )
        (world,) = simulation.worlds(chosen, family, odd)
        season = Season.weeks_from(_starts(starts))
        click.echo(cast.write(sandbox_file, world, cases, seed=seed, window_days=window_days, season=season))
        return
    season = Season.weeks_from(starts.replace(tzinfo=UTC)) if starts else YEAR
    for world in simulation.worlds(chosen, family, odd):
        if log is not None:
            lines = learning.attempts_log(world, setting, cases, seed=seed)
            log.write_text("\n".join(lines) + "\n", encoding="utf-8")
            return
        learned = given | {
            f"learned {attempts_read}": learning.learned_from(world, setting, attempts_read, seed=seed)
            for attempts_read in learn
        }
        result = simulation.simulate(
            world, setting, cases, seed=seed, bounds=not no_bounds, learned=learned, season=season
        )
        results.append(result)
        click.echo(json.dumps(result.as_json()) if as_json else "\n".join(simulation.lines_of(result)) + "\n")
    if len(results) > 1 and not no_bounds:
        found = means.means(results)
        told = json.dumps({"means": [mean.as_json() for mean in found]})
        click.echo(told if as_json else "\n".join(means.lines_of(found)))


def _starts(day: datetime | None) -> datetime:
    """The day on which a world of the sandbox starts: the one that was given, or the next Monday."""
    now = SystemClock().now()
    if day is None:
        return now + timedelta(days=7 - now.weekday())
    if day.replace(tzinfo=UTC) < now:
        raise ConfigurationError(
            f"--starts {day:%Y-%m-%d}: the sandbox's clock only goes forward from now, so take a later day"
        )
    return day.replace(tzinfo=UTC)
