"""What others call is explained where it stands: its meaning, units, errors and, for a formula, the source."""

from __future__ import annotations

import ast
from collections.abc import Iterator

import pytest

from tests.house._tree import Source, product, report

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
_TOLD_BY_THE_CLASS = {"workflow.run", "property.setter", "overload", "override", "typing.override"}


def violations_in(source: Source) -> list[str]:
    """Public modules, classes, functions and methods of a file that have no docstring.

    A private module (``_x.py``) owes one for itself alone. A method that answers a base class, or a protocol of the same
    file that explains it, needs none of its own.
    """
    if not source.tree.body:
        return []
    found = [] if ast.get_docstring(source.tree) else [f"{source.place}:1: the module"]
    if source.place.rpartition("/")[2].startswith("_") and not source.place.endswith("__init__.py"):
        return found
    for node in _public(source.tree):
        found += [] if ast.get_docstring(node) else [f"{source.at(node)}: {node.name}"]
        if isinstance(node, ast.ClassDef) and not node.bases:
            found += [
                f"{source.at(method)}: {node.name}.{method.name}"
                for method in _public(node)
                if not ast.get_docstring(method) and not _explained_elsewhere(method, source.tree)
            ]
    return found


def _public(owner: ast.Module | ast.ClassDef) -> Iterator[_Definition]:
    return (node for node in owner.body if isinstance(node, _Definition) and not node.name.startswith("_"))


def _explained_elsewhere(method: _Definition, tree: ast.Module) -> bool:
    if any(ast.unparse(decorator) in _TOLD_BY_THE_CLASS for decorator in method.decorator_list):
        return True
    others = (named for owner in tree.body if isinstance(owner, ast.ClassDef) for named in _public(owner))
    return any(other.name == method.name and ast.get_docstring(other) for other in others)


def test_what_is_public_is_explained() -> None:
    """Every public module, class, function and method of the product has a docstring."""
    violations = [found for source in product() for found in violations_in(source)]
    assert not violations, report(violations, "Say what it means, in which units, and what it raises:")


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("import os", "the module"),
        ('"""A module."""\ndef collect(): ...', "collect"),
        ('"""A module."""\nasync def collect(): ...', "collect"),
        ('"""A module."""\nclass Case: ...', "Case"),
        ('"""A module."""\nclass Case:\n    """One case."""\n    def close(self): ...', "Case.close"),
    ],
)
def test_what_is_not_explained_is_found(text: str, missing: str) -> None:
    """A missing docstring is found on every kind of definition."""
    assert [found.rpartition(": ")[2] for found in violations_in(Source("recoup/planted.py", text))] == [
        missing
    ]


_PROTOCOL_AND_ANSWER = '''
"""A module."""
class Clock(Protocol):
    """A port."""
    def now(self):
        """The time."""
class Wall:
    """One clock."""
    def now(self): ...
'''


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("recoup/_planted.py", '"""A private module."""\ndef collect(): ...'),
        ("recoup/planted.py", '"""A module."""\ndef _collect(): ...\nclass _Case:\n    def close(self): ...'),
        (
            "recoup/planted.py",
            '"""A module."""\nclass Text(Kind):\n    """A text."""\n    def read(self): ...',
        ),
        ("recoup/planted.py", _PROTOCOL_AND_ANSWER),
        ("recoup/ledger/migrations/__init__.py", ""),
    ],
)
def test_what_needs_no_explanation_is_left_alone(place: str, text: str) -> None:
    """Private names, answers to a base or a protocol, and empty packages owe no docstring."""
    assert violations_in(Source(place, text)) == []
