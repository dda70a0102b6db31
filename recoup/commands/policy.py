"""``recoup policy``: check a file, show it, compare two, export the schema, and move running cases to a new one."""

from __future__ import annotations

from pathlib import Path

import click

_FILE = click.Path(dir_okay=False, path_type=Path)


@click.group()
def policy() -> None:
    """Work with policy files (docs/policy.md)."""


def _named(file: Path | None) -> Path:
    from recoup.settings import load_settings

    return file or load_settings().policy_file


@policy.command()
@click.argument("file", required=False, type=_FILE)
def check(file: Path | None) -> None:
    """Check a policy file (by default the one in the settings) and say what it means."""
    from recoup.policy.file import load_policy
    from recoup.policy.words import policy_in_words

    path = _named(file)
    loaded = load_policy(path)
    click.echo(f"{path} can be used (version {loaded.version}).")
    click.echo("\n".join(policy_in_words(loaded.policy)))


@policy.command()
@click.argument("file", required=False, type=_FILE)
def show(file: Path | None) -> None:
    """Print a policy with every key and every default written out, as JSON."""
    from recoup.policy.file import load_policy

    click.echo(load_policy(_named(file)).policy.model_dump_json(indent=2, exclude_none=True))


@policy.command()
@click.argument("old", type=_FILE)
@click.argument("new", type=_FILE)
def diff(old: Path, new: Path) -> None:
    """Say in words what another policy changes, campaign by campaign."""
    from recoup.policy.file import load_policy
    from recoup.policy.words import policy_differences

    before, after = load_policy(old), load_policy(new)
    lines = policy_differences(before.policy, after.policy)
    click.echo("\n".join(lines) or f"Both mean the same (version {after.version}).")


@policy.command()
def schema() -> None:
    """Print the JSON schema of the policy file, for editors."""
    import json

    from recoup.policy.schema import policy_schema

    click.echo(json.dumps(policy_schema(), indent=2, ensure_ascii=False))


@policy.command()
@click.argument("new", type=_FILE)
@click.option(
    "--running",
    type=click.Choice(["keep", "next-step", "drain"]),
    required=True,
    help="What running cases take of it: nothing; all from their next step on; warning, grace and ending only.",
)
@click.option("--yes", is_flag=True, help="Move the cases without asking.")
@click.option(
    "--reason", default="a new policy", show_default=True, help="Kept with each case that is moved."
)
@click.option("--operator", help="Your account name, kept with each case; by default that of this machine.")
def apply(new: Path, running: str, yes: bool, reason: str, operator: str | None) -> int:
    """Show what a policy would change for which running cases, then move them to it."""
    import getpass

    from recoup.commands._applying import Application, apply_policy
    from recoup.policy.file import load_policy
    from recoup.settings import load_settings

    who = operator or getpass.getuser()
    application = Application(load_policy(new), running, reason, who)
    return apply_policy(load_settings(), application, agreed=lambda: yes or click.confirm("Move them?"))
