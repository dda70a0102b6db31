"""A story as text that a manager can read: day by day, by the customer's own clock."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

import click

from recoup.rehearsal.playing import Played
from recoup.rehearsal.telling import Line, Story, Teller
from recoup.rules.money import Money, in_words
from recoup.virtual.product import STARTER
from recoup.worlds import Card, Debit, Method

WIDTH = 108
_MARGIN = 20
_EFFECTS = {
    "attempt": "attempt",
    "message": "message",
    "suspend": "access",
    "restrict": "access",
    "close": "closed",
}
"""What follows a decision: the line that it is told together with."""
_FROM_STRIPE = frozenset(
    {"payment failed", "action required", "card changed", "invoice paid", "subscription cancelled", "dispute"}
)
"""Webhooks that move a case; the others are in the JSON."""
_TAGS = {"charge": "bank", "opened": "case", "decided": "case", "stripe": "Stripe", "closed": "END"}
_COLOURS = {"closed": "green", "charge": "red", "customer": "cyan", "operator": "magenta", "network": "cyan"}
_LINK = re.compile(r"https?://\S+")


@dataclass(frozen=True, slots=True)
class _Row:
    line: Line
    decided: str | None = None
    """The reason of the decision that this came of."""
    abouts: tuple[str, ...] = ()


def story_as_text(name: str, played: Played, story: Story, teller: Teller, *, brief: bool) -> Iterator[str]:
    """The whole story, line by line; ``brief`` leaves the texts of the messages out."""
    yield from _head(name, played)
    several = len({line.about for line in story.lines if line.about}) > 1
    rows = _together(list(_rows(story.lines)))
    for day, of_day in groupby(rows, lambda row: row.line.day):
        shown = list(of_day)
        zone = teller.zone_of(shown[0].line.customer)
        yield ""
        yield click.style(f"Day {day} · {shown[0].line.at.astimezone(zone):%A, %-d %B %Y}", bold=True)
        for row in shown:
            at = row.line.at.astimezone(teller.zone_of(row.line.customer))
            yield from _shown(row, f"{at:%H:%M}", several=several, brief=brief)
    yield ""
    yield from _end(played, story, several=several)


def _head(name: str, played: Played) -> Iterator[str]:
    scenario = played.scenario
    yield click.style(scenario.name, bold=True) + f"  ({name})"
    if scenario.about:
        yield from textwrap.wrap(scenario.about, WIDTH)
    for customer in scenario.customers.values():
        method = _method(scenario.methods.get(customer.pays_with or ""))
        yield f"{customer.name}, {customer.country}, {customer.timezone}, {customer.locale}; {method}"
        for each in customer.subscriptions:
            price = in_words(Money(amount=each.amount, currency=each.currency))
            yield f"  {each.product}, {price} a {each.interval}"


def _method(method: Method | None) -> str:
    match method:
        case Card():
            return f"{method.brand.capitalize()} {method.funding} card ending {method.last4}"
        case Debit():
            return f"SEPA debit of the account ending {method.last4}"
        case None:
            return "nothing on file"


def _rows(lines: Sequence[Line]) -> Iterator[_Row]:
    """The lines that are shown; a decision is told with what came of it."""
    reasons: dict[int, str | None] = {}
    for number, line in enumerate(lines):
        if line.kind == "decided" and (effect := _effect_of(lines, number)) is not None:
            reasons[effect] = line.because
        elif _is_shown(lines, number):
            yield _Row(line, reasons.get(number), (line.about,) if line.about else ())


def _effect_of(lines: Sequence[Line], number: int) -> int | None:
    decision = lines[number]
    wanted = _EFFECTS.get(decision.what.split()[0])
    for later in range(number + 1, len(lines)):
        line = lines[later]
        if line.case == decision.case and line.kind in ("decided", *_EFFECTS.values()):
            return later if line.kind == wanted else None
    return None


def _is_shown(lines: Sequence[Line], number: int) -> bool:
    line = lines[number]
    match line.kind:
        case "stripe":
            return _moves_a_case(lines, number)
        case "decided":
            # What was put off is told with its last decision, which says why.
            return not any(
                (each.kind, each.case, each.what) == ("decided", line.case, line.what)
                for each in lines[number + 1 :]
            )
        case "opened":
            return line.what != "the case opened"  # the line of its campaign says so
        case "customer" | "operator" if line.case is not None:
            return False  # the ledger's trace of what they are told to have done
        case "customer" if line.what.startswith("opens the mail"):
            # Who acts at once has of course opened it.
            return sum((each.kind, each.at) == ("customer", line.at) for each in lines) == 1
        case _:
            return True


def _moves_a_case(lines: Sequence[Line], number: int) -> bool:
    """Whether a webhook is news: no echo of what Recoup did itself, and not told just before."""
    line = lines[number]
    is_echo = "Recoup" in (line.because or "")
    before = (each for each in lines[max(0, number - 8) : number] if each.kind == "stripe")
    is_repeated = any((each.what, each.case, each.day) == (line.what, line.case, line.day) for each in before)
    return line.what in _FROM_STRIPE and not is_echo and not is_repeated


def _together(rows: list[_Row]) -> list[_Row]:
    """What happens to several payments in the same minute is told once, with the last of them."""
    told: dict[object, _Row] = {}
    for number, row in enumerate(rows):
        line = row.line
        alike: object = number
        if line.about and line.mail is None:
            alike = (f"{line.at:%j %H:%M}", line.kind, line.what, line.because, row.decided)
        before = told.pop(alike, None)
        told[alike] = replace(row, abouts=(*before.abouts, *row.abouts)) if before else row
    return list(told.values())


def _shown(row: _Row, at: str, *, several: bool, brief: bool) -> Iterator[str]:
    line = row.line
    tag = _TAGS.get(line.kind, line.kind)
    what, because = line.what, line.because
    if line.mail is not None:
        what, because = f"“{line.mail[0]}”", None
    elif line.kind == "decided":
        what = f"decides: {what}"
    elif line.kind == "closed":
        what = what.replace("_", " ")
    elif line.kind == "access" and row.decided:
        because = None
    if line.kind == "opened":
        what = what.replace("campaign ", "recovery begins by campaign ")
    if several and row.abouts and line.mail is None:
        what += f"  [{row.abouts[0] if len(row.abouts) == 1 else f'{len(row.abouts)} payments'}]"
    if because and because not in what:
        what += f": {because}"
    label = click.style(f"  {at}  {tag:<10} ", fg=_COLOURS.get(line.kind))
    first, *others = textwrap.wrap(what, WIDTH - _MARGIN) or [""]
    yield label + (click.style(first, bold=True) if line.kind in ("closed", "access") else first)
    yield from (" " * _MARGIN + each for each in others)
    if row.decided and row.decided != because:
        for each in textwrap.wrap(f"because {row.decided}", WIDTH - _MARGIN):
            yield click.style(" " * _MARGIN + each, dim=True)
    if line.mail is not None and not brief:
        yield from (
            " " * _MARGIN + click.style(f"│ {each}".rstrip(), dim=True) for each in _text(line.mail[1])
        )


def _text(text: str) -> Iterator[str]:
    """A message's text with its addresses as they will look, their secrets left out."""
    for line in text.splitlines():
        yield _LINK.sub(_as_it_will_look, line).rstrip()


def _as_it_will_look(found: re.Match[str]) -> str:
    if found.group(0).startswith(STARTER):
        return "https://your-host/u/…"
    return "https://invoice.stripe.com/i/…"


def _end(played: Played, story: Story, *, several: bool) -> Iterator[str]:
    for ended in story.cases:
        name = f"{ended.about}: " if several else ""
        back = "after the suspension, " if ended.row.is_return else ""
        yield f"Outcome: {name}{back}{ended.outcome.replace('_', ' ')}: {ended.because}"
    days = story.lines[-1].day if story.lines else 0
    yield (
        f"{_count(days, 'day')}, {_count(story.messages, 'message')}, {_count(story.attempts, 'attempt')} of Recoup's; "
        f"policy version {played.policy.version}"
    )
    for problem in story.problems:
        yield click.style(f"NOT AS EXPECTED: {problem}", fg="red", bold=True)
    if not story.problems:
        yield click.style("As expected.", fg="green", bold=True)


def _count(number: int, what: str) -> str:
    return f"{number} {what}{'' if number == 1 else 's'}"
