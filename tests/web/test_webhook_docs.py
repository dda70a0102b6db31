"""The documentation's table of webhooks, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

from recoup.web.webhooks import ROUTES

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def test_the_table_says_what_the_code_does() -> None:
    """Each event type has the one row that the code gives it, in the code's order."""
    rows = re.findall(r"^\| `([a-z0-9_.]+)` \| (.+) \|$", PAGE.read_text(), re.MULTILINE)
    assert rows == [(type_, route.what) for type_, route in ROUTES.items()]
