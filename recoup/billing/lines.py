"""What an invoice is for, in words a customer knows."""

from __future__ import annotations

import re
from typing import Any

_STRIPES_WORDS = re.compile(r"1 × (?P<plan>.+?)(?: \(at [^()]*\))?")
"""How Stripe describes one unit of a price: ``1 × Team plan (at $49.00 / month)``, in English whoever reads it."""


def described(invoice: dict[str, Any]) -> str | None:
    """The invoice's own description, or that of its first line that has one; a single unit is called by its plan alone."""
    lines = (invoice.get("lines") or {}).get("data") or []
    texts = (line.get("description") for line in lines)
    text = invoice.get("description") or next((text for text in texts if text), None)
    match = _STRIPES_WORDS.fullmatch(text) if text else None
    return match["plan"] if match else text
