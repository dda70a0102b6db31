"""``recoup timing``: learning when to retry, asking what was learned, and judging it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import click

from recoup.commands._sums import one_thread_for_sums

if TYPE_CHECKING:
    from datetime import datetime

    from recoup.learning.models import Models
    from recoup.ledger import Ledger
    from recoup.timing.lines import AttemptLine

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def timing() -> None:
    """Choose the moment of the next attempt (docs/timing.md)."""


@timing.command()
@click.option("--attempts", "attempts_file", type=_FILE, help="Past attempts, a JSON line each.")
@click.option("--from-ledger", is_flag=True, help="Learn from the attempts in the ledger instead.")
@click.option(
    "--out",
    type=_FILE,
    help="Where to write the model. With --from-ledger and without it: as the schedule does.",
)
@click.option("--seed", type=click.IntRange(0), default=0, help="Kept on the model's card.")
def train(attempts_file: Path | None, from_ledger: bool, out: Path | None, seed: int) -> int:
    """Learn from past attempts, and print the model's card.

    A model that is not clearly better than the prior says so, and moves nothing. `--from-ledger` without `--out` writes into the
    directory of models, and promotes the model or says in the ledger why not.
    """
    one_thread_for_sums()
    if (attempts_file is None) is not from_ledger:
        raise click.UsageError("Give either --attempts or --from-ledger.")
    if from_ledger and out is None:
        return _as_the_schedule_does()
    if out is None:
        raise click.UsageError("Say with --out where to write the model.")
    from recoup.timing.model import save
    from recoup.timing.training import train as trained

    attempts, problems = _of_the_ledger() if attempts_file is None else _of_a_file(attempts_file)
    for problem in problems:
        click.echo(problem, err=True)
    model = trained(attempts, seed=seed)
    save(model, out)
    click.echo(model.card.model_dump_json(indent=2))
    return 1 if problems else 0


@timing.command()
@click.option(
    "--model", type=_FILE, help="A model that `recoup timing train` wrote; by default the prior alone."
)
@click.option(
    "--window-days", type=click.FloatRange(1, 60), default=14, show_default=True, help="Days to retry in."
)
@click.option("--attempts", type=click.IntRange(0, 20), default=8, show_default=True, help="Retries at most.")
def decide(model: Path | None, window_days: float, attempts: int) -> None:
    """Read cases from standard input, a JSON line each, and answer each with its next attempt."""
    one_thread_for_sums()
    from recoup.commands._deciding import answer_all
    from recoup.timing._stories import shipped_stories
    from recoup.timing.lines import decided
    from recoup.timing.model import load, stories_for

    stories = stories_for(load(model)) if model is not None else shipped_stories()

    def answers(lines: Sequence[str], first: int) -> Iterator[str]:
        return decided(lines, stories, window_days=window_days, attempts=attempts, first=first)

    answer_all(sys.stdin.buffer, sys.stdout, answers)


@timing.command()
def export() -> None:
    """Print the attempts in the ledger as the lines that `train` reads: codes, ids and amounts, each with what was known before it."""
    one_thread_for_sums()
    from recoup.learning.past import as_text

    attempts, _ = _of_the_ledger()
    sys.stdout.write(as_text(attempts))


@timing.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def status(as_json: bool) -> None:
    """Say which model decides, what came of the latest training, and why."""
    import json

    from recoup.learning.standing import lines_of, standing

    with _learning() as (_, models, now):
        found = standing(models, now)
    click.echo(json.dumps(found.as_json(), indent=2) if as_json else "\n".join(lines_of(found)))


@timing.command()
@click.option("--operator", help="Your account name; by default that of this machine.")
@click.option("--reason", required=True, help="Why; kept in the ledger, so nothing about persons.")
def withdraw(reason: str, operator: str | None) -> int:
    """Take the promoted model back: from now on the prior plans, in the cases that run with it too."""
    from recoup.commands._accounts import account

    with _learning() as (_, models, now):
        version = models.withdraw(account(operator, reason), reason, now)
    click.echo(f"{version} was withdrawn." if version else "No model is promoted.")
    return 0 if version else 1


@timing.command()
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def judge(as_json: bool) -> None:
    """Estimate from the logged plans what the prior and the model would have brought, or say that it can't be told yet."""
    one_thread_for_sums()
    import json

    from recoup.learning.judging import WAYS, entries_of, lines_of
    from recoup.learning.judging import judge as judged

    with _learning() as (ledger, _, _now):
        entries = [entry for past in ledger.past.newest_first() for entry in entries_of(past)]
    found = [judged(entries, way) for way in WAYS]
    if as_json:
        click.echo(json.dumps([each.as_json() for each in found], indent=2))
    else:
        click.echo("\n".join(line for each in found for line in lines_of(each)))


def _as_the_schedule_does() -> int:
    from recoup.learning.promotion import retrain

    with _learning() as (_, models, now):
        made = retrain(models, now, by="recoup timing train")
    click.echo(made.card.model_dump_json(indent=2))
    what = "promoted" if made.card.promoted else "not promoted"
    click.echo(f"{models.path(made.version)}: {what}; {made.card.because}", err=True)
    return 0


def _of_the_ledger() -> tuple[list[AttemptLine], list[str]]:
    from recoup.learning.past import attempts_in

    with _learning() as (ledger, _, now):
        return attempts_in(ledger, now), []


def _of_a_file(file: Path) -> tuple[list[AttemptLine], list[str]]:
    from recoup.errors import ConfigurationError
    from recoup.timing.training import read_attempts

    try:
        return read_attempts(file.read_text(encoding="utf-8").splitlines())
    except OSError as error:
        raise ConfigurationError(f"{file}: cannot be read ({error.strerror})") from None


@contextmanager
def _learning() -> Iterator[tuple[Ledger, Models, datetime]]:
    """The ledger and the directory of models that the settings name, and the time it is."""
    from recoup.clock import clock_for
    from recoup.learning.models import Models
    from recoup.ledger import Ledger
    from recoup.settings import load_settings

    settings = load_settings()
    ledger = Ledger.connect(settings.database_url)
    try:
        yield ledger, Models(settings.timing.models, ledger), clock_for(settings.clock_file).now()
    finally:
        ledger.close()
