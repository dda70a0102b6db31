"""Visa's four categories of response codes, each with the day from which it holds.

1: the issuer will never approve; no re-attempt. 2: it cannot approve now. 3: the data must be checked first. 4: everything else.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from recoup.rules.codes.words import Source


class VisaRow(NamedTuple):
    """From ``since`` on a response code belongs to a category, until a later row says otherwise."""

    code: str
    category: int
    since: date
    source: Source


NEVER, NOT_NOW, DATA_QUALITY, GENERIC = 1, 2, 3, 4

_READ = date(2026, 11, 22)
_LIST = Source("Visa response codes: checkout.com/docs/developer-resources/codes/visa-response-codes", _READ)
_STOP = Source("Visa Response Code Updates: developers.tabapay.com/docs/visa-response-code-updates", _READ)
_MOVED = Source(
    "Changes to Visa response codes: checkout.com/merchant-communications/changes-to-visa-response-codes",
    _READ,
)
_NEW = Source("New retry codes for Visa, 5C and 9G: docs.cielo.com.br", _READ)
_PARTLY = Source(
    "acquirers' lists, each read in part: checkout.com, developer.worldpay.com, docs.adyen.com", _READ
)

_BEGAN = date(2021, 4, 17)


def _rows(codes: str, category: int, source: Source, since: date = _BEGAN) -> list[VisaRow]:
    return [VisaRow(code, category, since, source) for code in codes.split()]


# 14 stands in the lists of both 1 and 3: the stricter one holds.
VISA: tuple[VisaRow, ...] = (
    *_rows("04 07 12 14 15 41 43 46 57 R1 R3", NEVER, _LIST),
    *_rows("R0", NEVER, _STOP),
    *_rows("57", GENERIC, _MOVED, date(2025, 10, 1)),
    *_rows("57", NEVER, _MOVED, date(2026, 10, 25)),
    *_rows("03 19 51 59 61 62 65 75 78 91 93 96", NOT_NOW, _LIST),
    *_rows("86 N3 N4", NOT_NOW, _PARTLY),
    *_rows("5C 9G", NOT_NOW, _NEW, date(2025, 4, 11)),
    *_rows("83", NOT_NOW, _STOP, date(2026, 10, 25)),
    *_rows("1A 54 55 6P 70 82 N7", DATA_QUALITY, _PARTLY),
)

AUTHENTICATION = "1A"
"""The one code of category 3 that asks for the customer's authentication, not for other data."""


def category(code: str | None, on: date | None = None) -> int | None:
    """The category of a Visa response code on a day, today's rules by default; ``None`` without a code."""
    if not code:
        return None
    known = [row for row in VISA if row.code == code and (on is None or row.since <= on)]
    return max(known, key=lambda row: row.since).category if known else GENERIC


def never(on: date | None = None) -> frozenset[str]:
    """The codes of category 1 on a day."""
    return frozenset(row.code for row in VISA if category(row.code, on) == NEVER)
