"""A backtest as one page that needs nothing from elsewhere, to be read and printed."""

from __future__ import annotations

from pathlib import Path

from jinja2 import FileSystemLoader, StrictUndefined
from jinja2.sandbox import SandboxedEnvironment

import recoup
from recoup.errors import ConfigurationError
from recoup.simulation.backtest import NOT_KNOWN, Backtest, rows
from recoup.simulation.comparing import DAYS, figures, notes, suspended_by
from recoup.simulation.other_policy import Replay, Sum
from recoup.web.charts import Bar, stacked_bars

TEMPLATES = Path(recoup.__file__).parent / "templates" / "backtest"
_MOST_TEMPLATES = 3
"""So many kinds of messages have a colour of their own; they are the most frequent."""


def write_html(backtest: Backtest, replay: Replay, policy: str, path: Path) -> None:
    """Write the page; raises :class:`ConfigurationError` where the file cannot be written."""
    try:
        path.write_text(as_html(backtest, replay, policy), encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"--html {path}: cannot be written ({error.strerror})") from None


def as_html(backtest: Backtest, replay: Replay, policy: str) -> str:
    """The page; ``policy`` is the other policy's name for the reader."""
    environment = SandboxedEnvironment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    both = replay.before.messages + replay.after.messages
    kinds = [name for name, _ in sorted(both.items(), key=lambda item: (-item[1], item[0]))][:_MOST_TEMPLATES]
    before, after = suspended_by(replay.before), suspended_by(replay.after)
    return environment.get_template("backtest.html.j2").render(
        replay=replay,
        backtest=backtest,
        policy=policy,
        begins=f"{replay.begins:%Y-%m-%d}" if replay.begins else "–",
        ends=f"{replay.ends:%Y-%m-%d}" if replay.ends else "–",
        notes=notes(replay),
        figures=figures(replay),
        templates=kinds,
        done=stacked_bars(
            "Attempts and messages",
            [_bar("as they were", replay.before, kinds), _bar("other policy", replay.after, kinds)],
            ["attempts", *kinds],
        ),
        days=DAYS,
        suspended_before=before,
        suspended_after=after,
        suspended=_suspended(before, after),
        ways=rows(backtest),
        not_known=NOT_KNOWN,
    )


def _bar(label: str, total: Sum, kinds: list[str]) -> Bar:
    return Bar(label, (float(total.attempts), *(float(total.messages[name]) for name in kinds)))


def _suspended(before: list[int], after: list[int]) -> str:
    bars = []
    for day, was, would in zip(DAYS, before, after, strict=True):
        bars += [Bar(f"day {day}", (float(was), 0.0)), Bar("", (0.0, float(would)))]
    return stacked_bars("Suspended by day after the failure", bars, ["as they were", "other policy"])
