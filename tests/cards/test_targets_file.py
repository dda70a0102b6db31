"""Lists of cards and customers: what begins a line, and what may stand above the first."""

from __future__ import annotations

from pathlib import Path

import pytest

from recoup import targets_file
from recoup.errors import ConfigurationError


@pytest.mark.parametrize("heading", ["payment_method,note", "Payment method", "id", "klient (Stripe)", ""])
def test_a_heading_is_passed_over(tmp_path: Path, heading: str) -> None:
    """The name of a column above the list is nobody."""
    file = tmp_path / "cards.csv"
    file.write_text(f"{heading}\ncus_1,x\n\npm_2\n", encoding="utf-8")
    assert list(targets_file.pieces(file)) == [["cus_1", "pm_2"]]


@pytest.mark.parametrize(
    "first", ["cus-1NrK,x", "pm_1NrK;x", "in_1", "4242424242424242", "anna@shop.example"]
)
def test_a_broken_first_line_is_no_heading(tmp_path: Path, first: str) -> None:
    """Whoever stands on the first line is not forgotten because of a slip: the line is named, without what it holds."""
    file = tmp_path / "cards.csv"
    file.write_text(f"{first}\ncus_2\n", encoding="utf-8")
    with pytest.raises(ConfigurationError, match="line 1: the first field is no id") as refused:
        targets_file.check(file)
    assert first not in str(refused.value)
