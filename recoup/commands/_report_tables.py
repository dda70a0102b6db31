"""A report for the terminal: tables, and under each what its figures mean."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence

from rich.console import Console
from rich.table import Table

from recoup.figures import Estimate, Figure, Figures, NotEnough, Selection
from recoup.figures.definitions import DEFINITIONS
from recoup.figures.recovery import RecoveryRate, Shares, Within
from recoup.rules.money import Money, in_words


def show(made: Figures) -> None:
    """Print it."""
    console = Console(width=None if sys.stdout.isatty() else 160, highlight=False, soft_wrap=False)
    console.print(heading(made.period), markup=False)
    console.print(DEFINITIONS["case"], markup=False)
    for title, columns, rows, meanings in sections(made):
        table = Table(*columns, title=title, title_justify="left", box=None)
        for row in rows:
            table.add_row(*row)
        console.print()
        console.print(table if table.row_count else f"{title}: nothing")
        for meaning in meanings:
            console.print(DEFINITIONS[meaning], style="dim", markup=False)


Section = tuple[str, Sequence[str], Sequence[Sequence[str]], Sequence[str]]
"""A title, the names of the columns, the rows, and the definitions to print below."""


def heading(period: Selection) -> str:
    """The time and the choice."""
    begins = f"{period.since:%Y-%m-%d}" if period.since else "the first case"
    ends = f"{period.until:%Y-%m-%d} (excluded)" if period.until else f"{period.now:%Y-%m-%d %H:%M} UTC"
    chosen = [
        f"{name} {value}"
        for name, value in (
            ("currency", period.currency),
            ("campaign", period.campaign),
            ("policy version", period.policy_version),
        )
        if value is not None
    ]
    return ", ".join([f"Failed payments from {begins} to {ends}", *chosen])


def sections(made: Figures) -> Iterator[Section]:
    """All of it, table by table."""
    recovery = made.recovery_rate
    yield "Recovery rate", ("of", "failed", "recovered", "open", "lost", "rate", "of closed only"), _shares(recovery.all), ("recovery_rate", "of_closed")  # fmt: skip
    yield "Recovered within", ("days", "cases", "recovered", "too young", "rate"), list(_within(recovery.within)), ("within",)  # fmt: skip
    yield "Estimated for all, open ones too", ("by day", "recovered"), [(str(day), words(figure)) for day, figure in recovery.estimated.by_day.items()], ("estimated",)  # fmt: skip
    yield "By month of the failure", ("month", "failed", "recovered", "open", "lost", "rate", "within 28 days"), _cohorts(recovery), ()  # fmt: skip
    yield "By month of the payment", ("month", "recovered", "money", "failed in"), _cash(recovery), ("cash",)
    yield "Beside the rates", ("what", "cases", "money"), _beside(recovery), ()
    yield "What brought the money", ("cause", "cases", "share", "money"), _causes(made), ("causes",)
    yield "Days to recover", ("figure", "days"), _times(made), ("time_to_recover",)
    yield from _churn(made)
    yield from _worth(made)
    yield from _tries(made)
    yield "Through the customer's hands", ("step", "cases", ""), [(step.step, "unknown" if step.cases is None else str(step.cases), step.says) for step in made.funnel.steps], ("funnel",)  # fmt: skip

    yield "What it cost", ("what", "count", "cost"), _costs(made), ("costs",)


def _costs(made: Figures) -> list[tuple[str, ...]]:
    found = made.costs
    rows: list[tuple[str, ...]] = []
    for each in (*found.messages, found.fees_avoided):
        priced = not isinstance(each.cost, NotEnough)
        said = f"{each.cost} {(found.currency or '').upper()}" if priced else "no price is set"
        name = "fees of the networks avoided, at most" if each.what == "network_fee" else each.what
        rows.append((name, str(each.count), said))
    return rows


def words(figure: Figure, *, percent: bool = True, digits: int = 1, brief: bool = False) -> str:
    """A figure as it is read: with its interval and number, or why there is none; in ``brief`` where its number stands beside it."""
    if not isinstance(figure, Estimate):
        if brief:
            return "too few"
        return f"not enough data: {figure.not_enough}"

    def said(value: float) -> str:
        return f"{value:.{digits}%}" if percent else f"{value:,.{digits}f}"

    if figure.low is None or figure.high is None:
        return f"{said(figure.value)} (n = {figure.n:,})"
    return f"{said(figure.value)} [{said(figure.low)}, {said(figure.high)}] (n = {figure.n:,})"


def money_words(monies: Iterable[Money]) -> str:
    """Amounts, each with its currency."""
    return ", ".join(in_words(money) for money in monies) or "-"


def _money(amount: int, currency: str) -> str:
    return in_words(Money(amount=amount, currency=currency))


def _shares(shares: Shares) -> list[tuple[str, ...]]:
    lost = shares.suspended + shares.cancelled + shares.written_off
    rows: list[tuple[str, ...]] = [
        ("cases", str(shares.cases), str(shares.recovered), str(shares.open), str(lost), words(shares.of_all), words(shares.of_closed)),
    ]  # fmt: skip
    for each in shares.money:
        amounts = [
            _money(part, each.currency) for part in (each.failed, each.recovered, each.open, each.lost)
        ]
        rows.append((each.currency.upper(), *amounts, words(each.of_all), words(each.of_closed)))
    return rows


def _within(windows: Iterable[Within]) -> Iterator[tuple[str, ...]]:
    for each in windows:
        yield str(each.days), str(each.cases), str(each.recovered), str(each.too_young), words(each.rate)
        for one in each.money:
            failed, recovered = _money(one.failed, one.currency), _money(one.recovered, one.currency)
            yield "", failed, recovered, "", words(one.rate)


def _cohorts(recovery: RecoveryRate) -> list[tuple[str, ...]]:
    rows = []
    for each in recovery.cohorts:
        shares, headline = each.shares, next(one for one in each.within if one.days == 28)
        lost = shares.suspended + shares.cancelled + shares.written_off
        note = words(headline.rate, brief=True) if each.is_mature else f"{headline.too_young} cases too young"
        counts = [str(number) for number in (shares.cases, shares.recovered, shares.open, lost)]
        rows.append((each.month, *counts, words(shares.of_all, brief=True), note))
    return rows


def _cash(recovery: RecoveryRate) -> list[tuple[str, ...]]:
    return [
        (
            each.month,
            str(each.cases),
            money_words(each.money),
            ", ".join(f"{month}: {count}" for month, count in each.failed_in.items()),
        )
        for each in recovery.cash
    ]


def _beside(recovery: RecoveryRate) -> list[tuple[str, ...]]:
    out, returned, given_back = recovery.left_out, recovery.returned, recovery.given_back
    part = recovery.paid_in_part
    came = f"returned, of {returned.suspended} suspended"
    return [
        ("left out: voided or never a case", str(out.cases), money_words(out.money)),
        (came, str(returned.cases), money_words(returned.money)),
        (
            f"recovered, and given back later ({given_back.disputed} disputed)",
            str(given_back.cases),
            money_words(given_back.money),
        ),
        ("not recovered, and paid in part", str(part.cases), money_words(part.money)),
    ]


def _causes(made: Figures) -> list[tuple[str, ...]]:
    found = made.causes
    rows = [
        (each.cause, str(each.cases), words(each.share), money_words(each.money)) for each in found.by_cause
    ]
    unasked = money_words(found.before_any_message_money)
    return [*rows, ("of these before any message", str(found.before_any_message), "", unasked)]


def _times(made: Figures) -> list[tuple[str, ...]]:
    times = made.time_to_recover
    named = (
        ("median", times.median),
        ("mean", times.mean),
        ("nine of ten by", times.p90),
        ("half of what will be recovered, open cases considered", times.half_of_all),
        ("mean time in recovery, cut at 28 days, lost cases too", times.in_recovery),
    )
    return [(name, words(figure, percent=False)) for name, figure in named]


def _churn(made: Figures) -> Iterator[Section]:
    found = made.involuntary_churn
    title, columns = "Involuntary churn", ("month", "active", "unpaid", "otherwise ended", "returned", "rate")
    if isinstance(found, NotEnough):
        yield title, columns, [(words(found), "", "", "", "", "")], ("involuntary_churn",)
        return
    rows = [
        (
            month.month if month.is_whole else f"{month.month} (running)",
            *(str(number) for number in (month.active, month.unpaid, month.chosen, month.returned)),
            words(month.rate, digits=2, brief=True),
        )
        for month in found.months
    ]
    yield title, columns, rows, ("involuntary_churn",)
    compared = found.before_after
    sides = [
        (name, str(side.months), str(side.unpaid), str(side.subscription_months), words(side.rate, digits=2))
        for name, side in (("before Recoup", compared.before), ("with Recoup", compared.after))
    ]
    ratio = ("with, as a multiple of before", "", "", "", words(compared.ratio, percent=False, digits=2))
    named = ("", "months", "unpaid", "subscription-months", "rate of a month")
    yield "Before and with Recoup", named, [*sides, ratio], ("before_after",)


def _worth(made: Figures) -> Iterator[Section]:
    found = made.lifetime_value
    title = "Lifetime value of recovered customers"
    columns = ("currency", "within", "recovered", "never failed", "still there", "still there, never failed")
    if isinstance(found, NotEnough):
        yield title, columns, [(words(found), "", "", "", "", "")], ("lifetime_value",)
        return
    rows = [
        (
            each.currency.upper(),
            f"{each.months} months",
            _worth_words(each.recovered, each.currency),
            _worth_words(each.never_failed, each.currency),
            words(each.still_there),
            words(each.still_there_never_failed),
        )
        for each in found.worth
    ]
    rows.append(("another payment failed within 90 days", "", words(found.failed_again), "", "", ""))
    yield title, columns, rows, ("lifetime_value",)


def _worth_words(figure: Figure, currency: str) -> str:
    if not isinstance(figure, Estimate) or figure.low is None or figure.high is None:
        return words(figure)
    said = [_money(round(value), currency) for value in (figure.value, figure.low, figure.high)]
    return f"{said[0]} [{said[1]}, {said[2]}] (n = {figure.n:,})"


def _tries(made: Figures) -> Iterator[Section]:
    tries, declines = made.attempts, made.declines
    groups = (
        ("attempt", tries.by_number),
        ("trigger", tries.by_trigger),
        ("brand", tries.by_brand),
        ("weekday", tries.by_weekday),
        ("hour, UTC", tries.by_hour),
    )
    rows: list[tuple[str, ...]] = [("all", "", str(tries.made), str(tries.paid), words(tries.rate))]
    for name, group in groups:
        rows += [
            (name, one.what, str(one.attempts), str(one.paid), words(one.rate, brief=True)) for one in group
        ]
    rows.append(("for each recovered case", "", words(tries.for_each_recovered, percent=False), "", ""))
    rows.append(("refused by the guard of the networks", "", str(tries.refused_by_guard), "", ""))
    yield "Attempts", ("by", "", "attempts", "paid", "rate"), rows, ("attempts",)
    codes = [(row.code, row.brand or "unknown", str(row.ours), str(row.others)) for row in declines.by_code]
    yield "Refusals", ("code", "brand", "to Recoup's attempts", "to others"), codes, ("declines",)
    firsts = [
        (row.code, str(row.cases), str(row.recovered), str(row.open), words(row.rate, brief=True))
        for row in declines.by_first_code
    ]
    yield "By the first refusal's code", ("code", "cases", "recovered", "open", "rate"), firsts, ()
