"""``recoup experiments``: what the policy's experiments have shown so far, or that it is too early to say."""

from __future__ import annotations

import click


@click.command()
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each experiment.")
def experiments(name: str | None, as_json: bool) -> None:
    """Say what the experiments of the policy have shown (docs/experiments.md)."""
    from recoup.clock import clock_for
    from recoup.commands._experiments import as_line, in_words
    from recoup.experiments import found, results
    from recoup.ledger import Ledger
    from recoup.policy.file import load_policy
    from recoup.settings import load_settings

    settings = load_settings()
    policy = load_policy(settings.policy_file).policy
    asked = [found(policy, name)] if name else list(policy.experiments)
    ledger, now = Ledger.connect(settings.database_url), clock_for(settings.clock_file).now()
    try:
        judged = [results(ledger, each, now) for each in asked]
    finally:
        ledger.close()
    for each in judged:
        click.echo(as_line(each) if as_json else in_words(each))
    if not judged and not as_json:
        click.echo("The policy has no experiments.")
