"""The project's own files, as the rules of the house look at them."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("recoup", "workflows", "activities", "worker.py", "starter.py")
_HIDDEN_BUT_OURS = {".ci", ".githooks", ".gitignore", ".github", ".dockerignore", ".env.example"}
_GENERATED = {"build", "dist", "__pycache__", "node_modules", "data", "var", "outbox", "htmlcov"}


@dataclass(frozen=True)
class Source:
    """One Python file: where it stands, and what is in it."""

    place: str
    """The path below the project's root, with slashes."""
    text: str

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text, filename=self.place)

    @property
    def module(self) -> str:
        """The dotted name under which it is imported."""
        return self.place.removesuffix(".py").removesuffix("/__init__").replace("/", ".")

    def at(self, node: ast.stmt | ast.expr) -> str:
        """Where a node stands, as an editor opens it."""
        return f"{self.place}:{node.lineno}"


def our_files() -> Iterator[Path]:
    """Every file of the project, without environments, caches, build products and what a run leaves behind."""
    yield from _below(ROOT)


def _below(directory: Path) -> Iterator[Path]:
    for entry in sorted(directory.iterdir()):
        hidden = entry.name.startswith(".") and entry.name not in _HIDDEN_BUT_OURS
        if hidden or entry.name in _GENERATED or entry.is_symlink():
            continue
        if entry.is_dir():
            if not (entry / "pyvenv.cfg").exists():
                yield from _below(entry)
        else:
            yield entry


@cache
def sources(*tops: str) -> tuple[Source, ...]:
    """The Python files below the named folders or files of the root; all of the project's without a name."""
    found = []
    for path in our_files():
        place = path.relative_to(ROOT).as_posix()
        if path.suffix == ".py" and (not tops or place.split("/")[0] in tops):
            found.append(Source(place, path.read_text()))
    return tuple(found)


def product() -> tuple[Source, ...]:
    """The Python files that are installed."""
    return sources(*PRODUCT)


def report(violations: list[str], what_to_do: str) -> str:
    """The message of a broken rule: what to do, and where."""
    return f"{what_to_do}\n  " + "\n  ".join(violations)
