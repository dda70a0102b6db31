"""``recoup backtest``: the operator's own past held against other ways of choosing the moment."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from recoup.commands._sums import one_thread_for_sums

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option(
    "--cases",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="So many of the newest cases at most; open ones are left out.",
)
@click.option("--model", type=_FILE, help="A model's file; by default the one that was promoted.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
def backtest(cases: int, model: Path | None, as_json: bool) -> None:
    """Say what each way of choosing would have chosen at the attempts of the past, and what cannot be known of it."""
    one_thread_for_sums()
    import json

    from recoup.learning.models import Models
    from recoup.ledger import Ledger
    from recoup.policy.file import load_policy
    from recoup.settings import load_settings
    from recoup.simulation import backtest as looking
    from recoup.timing._stories import shipped_stories
    from recoup.timing.model import LearnedStories, load

    settings = load_settings()
    cap = load_policy(settings.policy_file).policy.network_cap
    ledger = Ledger.connect(settings.database_url)
    models = Models(settings.timing.models, ledger)
    try:
        promoted = models.promoted() if model is None else None
        learned = models.get(promoted.version).model if promoted else load(model) if model else None
        result = looking.backtest(
            islice(ledger.past.newest_first(), cases),
            shipped_stories(),
            LearnedStories(learned) if learned is not None else None,
            model_ends=learned.card.ends if learned is not None else None,
            cap=cap,
        )
    finally:
        ledger.close()
    click.echo(json.dumps(result.as_json(), indent=2) if as_json else "\n".join(looking.lines(result)))
