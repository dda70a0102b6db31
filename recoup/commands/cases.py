"""``recoup cases`` and ``recoup case``: the queue of cases, one case with its reasons, and an operator's word to it."""

from __future__ import annotations

import click

WORDS = (
    "approve", "refuse-suspension", "extend-grace", "assign", "note", "hand-over", "resume", "retry-now", "pause-until", "promise-to-pay", "send-message",
    "stop", "exclude", "mark-paid-outside",
)  # fmt: skip


@click.command()
@click.option("--stage", help="Only cases of this stage; `person` are those that wait for somebody.")
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="So many at most.")
@click.option("--json", "as_json", is_flag=True, help="Print a JSON line for each case.")
def cases(stage: str | None, limit: int, as_json: bool) -> None:
    """List open cases, the most important first."""
    from recoup.commands._showing import list_cases

    list_cases(stage, limit, as_json=as_json)


@click.command()
@click.argument("case_id", metavar="ID")
@click.argument("word", required=False, type=click.Choice(WORDS))
@click.option("--reason", help="Why; kept with the case. For `note` the note itself.")
@click.option("--operator", help="Your account name, kept with the case; by default that of this machine.")
@click.option(
    "--days", type=click.FloatRange(0, 365, min_open=True), help="For `refuse-suspension` and `extend-grace`."
)
@click.option("--to", help="An account name, for `assign` (without it: nobody) and `hand-over`.")
@click.option(
    "--until",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M"]),
    help="UTC, for `pause-until` and `promise-to-pay`.",
)
@click.option("--template", help="For `send-message`: a message of the case's campaign.")
@click.option(
    "--ending",
    type=click.Choice(["keep", "pause", "cancel", "write_off"]),
    help="For `stop`: what becomes of the debt; by default nothing (keep).",
)
@click.option("--json", "as_json", is_flag=True, help="Print what is known, or what will happen, as JSON.")
def case(case_id: str, word: str | None, as_json: bool, **said: object) -> None:
    """Show a case: what is known, what it does next and why. With a WORD, tell it something."""
    from recoup.commands._showing import show_case
    from recoup.commands._telling import tell_case

    if word is None:
        show_case(case_id, as_json=as_json)
    else:
        tell_case(case_id, word, said, as_json=as_json)
