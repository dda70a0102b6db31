"""The live table, on terminals of several widths."""

from __future__ import annotations

from datetime import UTC, datetime
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from recoup.demo.driver import Moment
from recoup.demo.screen import Addresses, Screen
from recoup.rules.case import Stage

NOW = datetime(2026, 11, 25, 21, 14, tzinfo=UTC)
BECAUSE = "the customer paid the invoice"


def _screen(width: int) -> tuple[Screen, StringIO]:
    row = SimpleNamespace(
        id="in_1",
        invoice="in_1",
        customer="cus_1",
        amount=12900,
        currency="pln",
        decline=SimpleNamespace(code="authentication_required"),
        stage=Stage.RECOVERED,
        outcome=SimpleNamespace(value="recovered_by_customer"),
        because=BECAUSE,
        is_return=False,
        opened_at=NOW,
    )
    ledger: Any = SimpleNamespace(
        cases=SimpleNamespace(list_all=lambda limit: [row]),
        messages=SimpleNamespace(of_case=lambda case: ["payment_failed"]),
        attempts=SimpleNamespace(of_invoice=lambda invoice: []),
    )
    outbox: Any = SimpleNamespace(list=list)
    out = StringIO()
    console = Console(file=out, width=width, force_terminal=True, color_system=None)
    addresses = Addresses("http://127.0.0.1:1/ui", "http://127.0.0.1:2/inbox", "http://127.0.0.1:2/u/")
    return Screen(console, ledger, outbox, lambda _: "elena", addresses), out


def _drawn(width: int) -> list[str]:
    """The last picture of the table, line by line."""
    screen, out = _screen(width)
    with screen.running():
        screen.observe(Moment(NOW))
        shown = out.getvalue()
    return shown.splitlines()


def test_a_wide_terminal_is_shown_everything() -> None:
    """Who, how much, why it failed, and what follows stand whole on one line."""
    row = next(line for line in _drawn(150) if "elena" in line)
    for part in ("129.00 PLN", "authentication_required", "recovered", BECAUSE):
        assert part in row


@pytest.mark.parametrize("width", [80, 100])
def test_a_narrow_terminal_still_gets_one_line_for_each_case(width: int) -> None:
    """On 80 columns a case takes one line, with its stage and at least the beginning of what follows."""
    lines = _drawn(width)
    row = next(line for line in lines if "elena" in line)
    assert "recovered_by_customer" in row
    assert "recovered" in row
    assert sum(line.startswith("│") for line in lines) == 1
    assert max(len(line) for line in lines if line.startswith("│")) <= width
