"""The tables of docs/declines.md, made from the rules. ``python -m tests.rules.declines_page`` writes them anew."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from recoup.rules.codes import (
    MASTERCARD_ADVICE,
    SCHEMES,
    STRIPE_ADVICE,
    TABLES,
    VISA,
    WALLET,
    AdviceRow,
    Scheme,
)
from recoup.rules.networks import RULES

PAGE = Path(__file__).parents[2] / "docs" / "declines.md"
_PLACE = re.compile(r"(<!-- table: ([^>]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def _table(head: str, rows: Iterable[tuple[object, ...]]) -> str:
    columns = head.split(" | ")
    lines = [f"| {head} |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines) + "\n"


def _hours(hours: int) -> str:
    return "" if not hours else f"{hours} h" if hours < 48 else f"{hours // 24} d"


def _codes(name: str) -> str:
    rows = (
        (
            f"`{code}`",
            row.decline_class,
            row.action,
            _hours(row.wait_hours),
            row.reason,
            row.meaning,
            *row.source,
        )
        for code, row in sorted(TABLES[name].items())
    )
    return _table("Code | Class | What to do | Wait | Customer reads | Meaning | Source | Read on", rows)


def _advice(table: dict[str, AdviceRow]) -> str:
    rows = (
        (f"`{code}`", row.decline_class, row.action, _never(row), row.meaning, *row.source)
        for code, row in table.items()
    )
    return _table("Advice | At least | What to do | Wait | Meaning | Source | Read on", rows)


def _never(row: AdviceRow) -> str:
    return "never again" if row.never else _hours(row.wait_hours)


def _visa() -> str:
    rows = sorted(((row.category, row.since, row.code, row.source) for row in VISA), key=lambda row: row[:3])
    groups: dict[tuple[object, ...], list[str]] = {}
    for category, since, code, source in rows:
        groups.setdefault((category, since, *source), []).append(f"`{code}`")
    told = ((category, " ".join(codes), *rest) for (category, *rest), codes in groups.items())
    return _table("Category | Codes | Since | Source | Read on", told)


def _schemes() -> str:
    named = {**{f"`{kind}`": scheme for kind, scheme in SCHEMES.items()}, "all others": WALLET}
    rows = ((kind, *_scheme(scheme)) for kind, scheme in named.items())
    return _table(
        "Method | Times again, at most | Within | After these returns | or these codes | Source | Read on",
        rows,
    )


def _scheme(scheme: Scheme) -> tuple[object, ...]:
    returns = " ".join(f"`{code}`" for code in sorted(scheme.returns or ()))
    reasons = " ".join(f"`{code}`" for code in sorted(scheme.reasons or ())) or "as for a card"
    return (scheme.retries, f"{scheme.window.days} d", returns, reasons, *scheme.source)


def _limits() -> str:
    rows = (
        (rule.network, rule.limit, f"{rule.window.total_seconds() / 3600:g} h", rule.since, *rule.source)
        for rule in RULES
    )
    return _table("Network | Attempts | In | Since | Source | Read on", rows)


def table(name: str) -> str:
    """One table of the page, by the name that stands in its marker."""
    if name in TABLES:
        return _codes(name)
    return {
        "Stripe advice": lambda: _advice(STRIPE_ADVICE),
        "Mastercard advice": lambda: _advice(MASTERCARD_ADVICE),
        "Visa": _visa,
        "Schemes": _schemes,
        "Limits": _limits,
    }[name]()


def rendered(text: str) -> str:
    """The page with every table as the rules have it now."""
    return _PLACE.sub(lambda found: found[1] + table(found[2]) + found[3], text)


def names_in(text: str) -> list[str]:
    """The tables that the page shows."""
    return [name for _, name, _ in _PLACE.findall(text)]


if __name__ == "__main__":
    PAGE.write_text(rendered(PAGE.read_text()))
