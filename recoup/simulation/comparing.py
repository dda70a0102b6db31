"""The comparison of two policies over the same past, for people: lines of text, and what a page needs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from statistics import median

from recoup.rules.case import Template
from recoup.simulation.other_policy import ASSUMED, Replay, Sum
from recoup.simulation.replay import End

ENDS = {
    End.SUSPENDED: "suspended",
    End.PAID_BY_RETRY: "paid by the same retry",
    End.AS_IT_WAS: "ended as it did, by somebody else's doing",
    End.WAITS: "left waiting",
}
"""The ends that are known, in the order in which they are told."""
DAYS = (7, 14, 21, 28, 35, 60)
"""By which days after the failure suspensions are counted."""


@dataclass(frozen=True, slots=True)
class Line:
    """One figure on both sides."""

    what: str
    before: str
    after: str


def figures(found: Replay) -> list[Line]:
    """Every figure of both sides."""
    told = [Line("attempts", f"{found.before.attempts}", f"{found.after.attempts}")]
    for template in Template:
        counts = found.before.messages[template.value], found.after.messages[template.value]
        if any(counts):
            told.append(Line(f"messages: {template.value}", *map(str, counts)))
    told += [
        Line(words, f"{found.before.ends[end]}", f"{found.after.ends[end]}") for end, words in ENDS.items()
    ]
    told.append(Line("days to a suspension, median", _days(found.before), _days(found.after)))
    told.append(
        Line("held back by the networks' limits", f"{found.before.held_back}", f"{found.after.held_back}")
    )
    told.append(Line("breaches of a network's rule", f"{found.before.breaches}", f"{found.after.breaches}"))
    return told


def suspended_by(total: Sum) -> list[int]:
    """How many are suspended by each of :data:`DAYS`."""
    return [sum(late <= day for late in total.suspended_after) for day in DAYS]


def notes(found: Replay) -> list[str]:
    """What has to be said beside the figures."""
    said = []
    if found.unknown_before or found.unknown_after:
        said.append(
            f"Left out of both sides: cases that a retry paid at a moment that is not made again, {found.unknown_after} under the other policy"
            f" and {found.unknown_before} under their own; what their other attempts would have met is not known."
        )
    if found.made:
        said.append(
            f"Played again under their own campaigns, the cases make {found.met} of the {found.made} scheduled attempts that were really made,"
            " within three hours; that is how far the replay can be trusted."
        )
    if found.unkept:
        said.append(
            f"The segments of {', '.join(found.unkept)} ask for what the ledger does not keep; a case counts under the campaign of the name it had."
        )
    return [*said, ASSUMED]


def lines(found: Replay) -> Iterator[str]:
    """The comparison as people read it."""
    if found.begins is None or found.ends is None:
        yield "No closed case of this time has a first refusal that is known; there is nothing to play again."
        return
    yield (
        f"{found.before.cases} closed cases that failed between {found.begins:%Y-%m-%d} and {found.ends:%Y-%m-%d}, played again"
    )
    yield ""
    yield f"{'':<44}{'as they were':>14}{'other policy':>14}"
    for line in figures(found):
        yield f"{line.what:<44}{line.before:>14}{line.after:>14}"
    yield ""
    yield from notes(found)


def _days(total: Sum) -> str:
    return f"{median(total.suspended_after):.1f}" if total.suspended_after else "–"
