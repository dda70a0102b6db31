"""Every test says in one sentence what it shows, so that a red one can be understood without reading it."""

from __future__ import annotations

import ast

import pytest

from tests.house._tree import Source, report, sources

_FEWEST_WORDS = 3


def violations_in(source: Source) -> list[str]:
    """The tests of a file whose docstring is missing, is no sentence, or is more than one paragraph's first line tells."""
    return [
        f"{source.at(node)}: {node.name}"
        for node in ast.walk(source.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
        and not _is_a_sentence(ast.get_docstring(node))
    ]


def _is_a_sentence(text: str | None) -> bool:
    if text is None:
        return False
    first = " ".join(text.split("\n\n")[0].split())
    return first.endswith((".", "?")) and len(first.split()) >= _FEWEST_WORDS


def test_every_test_says_what_it_shows() -> None:
    """No test of the project is without its sentence."""
    violations = [found for source in sources("tests") for found in violations_in(source)]
    assert not violations, report(violations, "Say in one sentence what the test shows:")


@pytest.mark.parametrize(
    "text",
    [
        "def test_it(): ...",
        "async def test_it(): ...",
        "class TestCase:\n    def test_it(self): ...",
        'def test_it():\n    """Works."""',
        'def test_it():\n    """A sentence that does not end"""',
    ],
)
def test_a_silent_test_is_found(text: str) -> None:
    """A test without a docstring, or with one that is no sentence, is found."""
    assert len(violations_in(Source("tests/test_planted.py", text))) == 1


def test_a_test_that_speaks_is_left_alone() -> None:
    """A sentence is enough, on one line or two, and helpers owe none."""
    text = 'def helper(): ...\ndef test_it():\n    """A declined card\n    is never charged twice."""'
    assert violations_in(Source("tests/test_planted.py", text)) == []
