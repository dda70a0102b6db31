"""``recoup rehearse``: a customer's weeks in moments, under your own policy."""

from __future__ import annotations

from pathlib import Path

import click


@click.command()
@click.option(
    "--scenario",
    "scenarios",
    multiple=True,
    metavar="FILE or NAME",
    help="A scenario file, or the name of a shipped one (--list); may be given several times.",
)
@click.option("--all", "everything", is_flag=True, help="All scenarios that ship with Recoup.")
@click.option(
    "--policy",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Your policy file; by default the policy that ships with Recoup, or that the scenario brings along.",
)
@click.option("--list", "list_them", is_flag=True, help="Show the scenarios that ship with Recoup.")
@click.option("--brief", is_flag=True, help="Only the subjects of messages, not their texts.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole timeline as JSON.")
def rehearse(
    scenarios: tuple[str, ...],
    everything: bool,
    policy: Path | None,
    list_them: bool,
    brief: bool,
    as_json: bool,
) -> int:
    """Play a customer's weeks in moments, and tell what would happen and why (docs/rehearse.md)."""
    from recoup.rehearsal.run import Options, list_scenarios
    from recoup.rehearsal.run import rehearse as play

    if list_them:
        list_scenarios(as_json=as_json)
        return 0
    return play(Options(scenarios, everything, policy, as_json, brief))
