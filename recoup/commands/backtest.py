"""``recoup backtest``: the operator's own past held against other ways of choosing the moment, or played again under another policy."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import click

from recoup.commands._sums import one_thread_for_sums

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.option("--policy", "policy_file", type=_FILE, help="Play the cases again under this policy, too.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Only cases that began on this day (UTC) or later.",
)
@click.option(
    "--cases",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="So many of the newest cases at most; open ones are left out.",
)
@click.option("--model", type=_FILE, help="A model's file; by default the one that was promoted.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
@click.option("--html", "html_file", type=_FILE, help="Write the comparison with --policy as a page.")
def backtest(
    policy_file: Path | None,
    since: datetime | None,
    cases: int,
    model: Path | None,
    as_json: bool,
    html_file: Path | None,
) -> None:
    """Say what each way of choosing would have chosen at the attempts of the past, what another policy would have done, and what cannot be known of it."""
    if html_file is not None and policy_file is None:
        raise click.UsageError("--html shows what another policy would have done: name it with --policy.")
    one_thread_for_sums()
    import json

    from recoup.commands._backtest_html import write_html
    from recoup.learning.models import Models
    from recoup.ledger import Ledger
    from recoup.policy.file import load_policy
    from recoup.settings import load_settings
    from recoup.simulation import backtest as looking
    from recoup.simulation import comparing, other_policy
    from recoup.timing._stories import shipped_stories
    from recoup.timing.model import LearnedStories, load

    settings = load_settings()
    cap = load_policy(settings.policy_file).policy.network_cap
    other = load_policy(policy_file).policy if policy_file is not None else None
    ledger = Ledger.connect(settings.database_url)
    models = Models(settings.timing.models, ledger)
    try:
        promoted = models.promoted() if model is None else None
        learned = models.get(promoted.version).model if promoted else load(model) if model else None
        first = since.replace(tzinfo=UTC) if since is not None else None
        past = list(islice(ledger.past.newest_first(first), cases))
    finally:
        ledger.close()
    result = looking.backtest(
        past,
        shipped_stories(),
        LearnedStories(learned) if learned is not None else None,
        model_ends=learned.card.ends if learned is not None else None,
        cap=cap,
        other=other_policy.by_policy(other) if other is not None else None,
    )
    replay = other_policy.replay(past, other, shipped_stories()) if other is not None else None
    if html_file is not None and replay is not None:
        write_html(result, replay, str(policy_file), html_file)
    if as_json:
        told = result.as_json() | ({"policy": replay.as_json()} if replay is not None else {})
        click.echo(json.dumps(told, indent=2))
        return
    if replay is not None:
        click.echo("\n".join([*comparing.lines(replay), ""]))
    click.echo("\n".join(looking.lines(result)))
