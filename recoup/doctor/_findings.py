"""What a check has found."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum

from recoup.errors import RecoupError


class Grade(StrEnum):
    """How a check went."""

    OK = "ok"
    NOTE = "note"
    """It works, and somebody should know this."""
    MEND = "mend"
    """It does not work until this is mended."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check: what was looked at, how it went, and what to know or to do."""

    what: str
    grade: Grade
    says: str


Check = Callable[[], Iterator[Finding]]


def ok(what: str, says: str) -> Finding:
    """All is well."""
    return Finding(what, Grade.OK, says)


def note(what: str, says: str) -> Finding:
    """It works, but."""
    return Finding(what, Grade.NOTE, says)


def mend(what: str, says: str) -> Finding:
    """It does not work."""
    return Finding(what, Grade.MEND, says)


@contextmanager
def told_by(what: str, found: list[Finding]) -> Iterator[None]:
    """A :class:`RecoupError` raised inside is a finding: its sentence already says what to do."""
    try:
        yield
    except RecoupError as error:
        found.append(mend(what, str(error)))
