"""Names in the form that a sender's tags take."""

from __future__ import annotations

import re

_NOT_IN_A_TAG = re.compile(r"[^A-Za-z0-9_-]+")
_LONGEST = 255


def tag(text: str) -> str:
    """A name or value as a tag of SES: letters, digits, ``_`` and ``-``; delivery reports carry it in this form."""
    return _NOT_IN_A_TAG.sub("-", text)[:_LONGEST] or "-"
