"""Printing the findings, for people or for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence

import click

from recoup.doctor._findings import Finding, Grade
from recoup.process import EXIT_FAILED

_MARKS = {Grade.OK: ("ok  ", "green"), Grade.NOTE: ("note", "yellow"), Grade.MEND: ("MEND", "red")}


def show(found: Sequence[Finding], *, as_json: bool) -> int:
    """Print them; 1 where something has to be mended, otherwise 0."""
    to_mend = [finding for finding in found if finding.grade is Grade.MEND]
    if as_json:
        listed = [{"what": each.what, "grade": each.grade.value, "says": each.says} for each in found]
        click.echo(json.dumps({"ok": not to_mend, "findings": listed}, indent=2, ensure_ascii=False))
    else:
        width = max((len(each.what) for each in found), default=0)
        for each in found:
            mark, colour = _MARKS[each.grade]
            click.echo(f"{click.style(mark, fg=colour, bold=True)}  {each.what:<{width}}  {each.says}")
        click.echo("Recoup can work." if not to_mend else f"{len(to_mend)} to mend.")
    return EXIT_FAILED if to_mend else 0
