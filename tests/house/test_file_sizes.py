"""Files and functions stay small enough to be read in one go; what is longer has a reason written down here."""

from __future__ import annotations

import ast

import pytest

from tests.house._tree import Source, report, sources

MOST_LINES_OF_A_FILE = 400
MOST_LINES_OF_A_FUNCTION = 60
"""The hard look. The aim is 100 to 300 lines for a file and 30 for a function."""

LONG_FILES: dict[str, str] = {}
"""Place of a file: why it is better whole."""

LONG_FUNCTIONS: dict[str, str] = {
    "recoup/sandbox/objects/invoices.py:_blank": "one literal: Stripe's invoice, field by field",
}
"""Place and name of a function: why it is better whole."""


def violations_in(source: Source) -> list[str]:
    """A file that is too long, and its functions that are; docstrings count, since they are read too."""
    found = []
    lines = source.text.count("\n")
    if lines > MOST_LINES_OF_A_FILE and source.place not in LONG_FILES:
        found.append(f"{source.place}: {lines} lines")
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > MOST_LINES_OF_A_FUNCTION and f"{source.place}:{node.name}" not in LONG_FUNCTIONS:
                found.append(f"{source.at(node)}: {node.name}, {length} lines")
    return found


def test_nothing_is_too_long_to_read() -> None:
    """No file and no function is longer than the hard look allows, but for those with a reason."""
    violations = [found for source in sources() for found in violations_in(source)]
    assert not violations, report(violations, "Divide it, or write down why it is better whole:")


def test_every_reason_is_still_needed() -> None:
    """A reason whose file or function is gone, or has become short, goes too."""
    by_place = {source.place: source for source in sources()}
    kept = [place for place in LONG_FILES if by_place[place].text.count("\n") > MOST_LINES_OF_A_FILE]
    assert sorted(LONG_FILES) == sorted(kept)
    for named in LONG_FUNCTIONS:
        place, _, name = named.partition(":")
        nodes = [
            node
            for node in ast.walk(by_place[place].tree)
            if isinstance(node, ast.FunctionDef) and node.name == name
        ]
        assert [node for node in nodes if (node.end_lineno or 0) - node.lineno >= MOST_LINES_OF_A_FUNCTION], (
            named
        )


@pytest.mark.parametrize(
    "text",
    ["x = 1\n" * (MOST_LINES_OF_A_FILE + 1), "def long():\n" + "    x = 1\n" * MOST_LINES_OF_A_FUNCTION],
)
def test_one_line_too_many_is_found(text: str) -> None:
    """A file or a function one line over its limit is found."""
    assert len(violations_in(Source("recoup/planted.py", text))) == 1


def test_the_limit_itself_is_allowed() -> None:
    """A file and a function exactly at their limits are not complained about."""
    function = "def long():\n" + "    x = 1\n" * (MOST_LINES_OF_A_FUNCTION - 1)
    rest = "x = 1\n" * (MOST_LINES_OF_A_FILE - MOST_LINES_OF_A_FUNCTION)
    assert violations_in(Source("recoup/planted.py", function + rest)) == []
