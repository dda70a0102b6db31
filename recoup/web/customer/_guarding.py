"""Who may send a form of the page, and how often."""

from __future__ import annotations

from urllib.parse import urlsplit

from fastapi import Request

from recoup.clock import Clock
from recoup.ledger import Ledger, LinkRow

BURST = 10.0
"""So many forms may be sent through one link at once ..."""
A_SECOND = 1 / 60
"""... and then one in a minute."""


def is_from_here(request: Request, public_url: str) -> bool:
    """Whether a form was sent from our own page.

    Browsers say so in Sec-Fetch-Site. Older ones send the Origin alone, and ``null`` in it where the page, like ours, has
    the referrer policy no-referrer; that is let through, because the address itself is the secret.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    if origin is None or origin == "null":
        return True
    ours = urlsplit(public_url)
    return origin == f"{ours.scheme}://{ours.netloc}"


LOOKS, LOOKS_A_SECOND = 60.0, 1.0
"""So often a page may be looked at through one link at once, and then each second: each look asks Stripe, whose patience all share."""


def looks_too_often(ledger: Ledger, link: LinkRow, clock: Clock) -> bool:
    """Whether the page is looked at more often than by a person, their programs and the scanners of their mail."""
    name = f"looks/{link.customer}/{link.generation}"
    return ledger.rates.take(name, 1, LOOKS_A_SECOND, LOOKS, clock.now(), patience=0) is None


def too_often(ledger: Ledger, link: LinkRow, clock: Clock) -> bool:
    """Whether more forms come through this link than a person sends."""
    name = f"page/{link.customer}/{link.generation}"
    return ledger.rates.take(name, 1, A_SECOND, BURST, clock.now(), patience=0) is None
