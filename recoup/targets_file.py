"""Files of payment methods or customers, read line by line: a list of any length takes no more memory than one of its pieces."""

from __future__ import annotations

import csv
import hashlib
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from recoup.errors import ConfigurationError

PIECE = 500
"""So many lines are taken in at once."""

_ID = re.compile(r"(pm|card|src|cus)_[A-Za-z0-9_]{1,100}")
_HEADING = re.compile(r"[^\W\d]([^\W\d]|[ .()-])*")
"""The name of a column. A misspelt id, a card's number and an address are mistakes in the first line too."""
_LONGEST_LINE = 10_000


def pieces(path: Path) -> Iterator[list[str]]:
    """The ids of a file, piece by piece: the first field of each line; a heading and empty lines are passed over.

    Raises:
        ConfigurationError: the file cannot be read, or a line begins with no id; the sentence names it.
    """
    ids = _ids(path)
    while piece := list(islice(ids, PIECE)):
        yield list(dict.fromkeys(piece))


def digest(path: Path) -> str:
    """Twelve digits that are the same for the same file, and another file's are others.

    Raises:
        ConfigurationError: the file cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()[:12]
    except OSError as error:
        raise _unreadable(path, error) from error


def check(path: Path) -> int:
    """Read the whole file once before anything is done with it; how many ids it has.

    Raises:
        ConfigurationError: as :func:`pieces`, or there is no id in it.
    """
    count = sum(1 for _ in _ids(path))
    if count == 0:
        raise ConfigurationError(
            f"{path} holds no id: write one payment method (pm_…) or customer (cus_…) on each line"
        )
    return count


def _ids(path: Path) -> Iterator[str]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            for number, line in enumerate(iter(lambda: file.readline(_LONGEST_LINE), ""), start=1):
                first = next(iter(next(csv.reader([line]), [])), "").strip()
                if _ID.fullmatch(first):
                    yield first
                elif first and (number > 1 or not _HEADING.fullmatch(first)):
                    raise ConfigurationError(
                        f"{path}, line {number}: the first field is no id of a payment method (pm_…) or a customer (cus_…)"
                    )
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise _unreadable(path, error) from error


def _unreadable(path: Path, error: Exception) -> ConfigurationError:
    return ConfigurationError(f"The file {path} cannot be read: {error}")
