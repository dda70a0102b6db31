"""Bank debits and other methods that are no cards: after which refusals, how often and until when they may be presented again.

A debit is counted for its own debt: the first presentation and each one after it. The card networks' rules do not apply to it.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import NamedTuple

from recoup.rules.codes.words import Source


class Scheme(NamedTuple):
    """The rule of one kind of payment method."""

    name: str
    retries: int
    """Presentations after the first one, at most."""
    window: timedelta
    """None later than this after the first presentation."""
    source: Source
    returns: frozenset[str] | None
    """The scheme's own return codes after which it may be presented again; ``None`` where it has none of its own."""
    reasons: frozenset[str] | None
    """Stripe's codes after which it may be, where the scheme's own is not told; ``None``: as for a card."""


_READ = date(2026, 11, 22)
_MONTH = timedelta(days=30)
_STRIPE = "Stripe, Smart Retries, direct debits: docs.stripe.com/billing/revenue-recovery/smart-retries"
_FUNDS = frozenset({"insufficient_funds"})
_REFERRED = _FUNDS | {"refer_to_customer"}

SCHEMES: dict[str, Scheme] = {
    "us_bank_account": Scheme(
        "ACH",
        2,
        timedelta(days=180),
        Source("Nacha, reinitiated entries: epcor.org, stockmanbank.com, bankfivenine.com", _READ),
        frozenset({"R01", "R09"}),
        _FUNDS,
    ),
    "sepa_debit": Scheme(
        "SEPA Direct Debit",
        2,
        _MONTH,
        Source(f"Adyen, Auto Rescue for SEPA: docs.adyen.com; {_STRIPE}", _READ),
        frozenset({"AM04", "MS03"}),
        _FUNDS | {"generic_decline"},
    ),
    "bacs_debit": Scheme(
        "Bacs Direct Debit",
        2,
        _MONTH,
        Source(f"Acquired, Retrying declined Direct Debits (ARUDD 0): docs.acquired.com; {_STRIPE}", _READ),
        frozenset({"0"}),
        _REFERRED,
    ),
    "au_becs_debit": Scheme(
        "BECS Direct Debit",
        2,
        _MONTH,
        Source(_STRIPE, _READ),
        None,
        _REFERRED,
    ),
    "nz_bank_account": Scheme(
        "BECS Direct Debit in New Zealand",
        1,
        _MONTH,
        Source(_STRIPE, _READ),
        None,
        _REFERRED,
    ),
    "acss_debit": Scheme(
        "Canadian pre-authorized debit",
        1,
        _MONTH,
        Source(_STRIPE, _READ),
        None,
        _FUNDS,
    ),
}

WALLET = Scheme(
    "this kind of method",
    4,
    _MONTH,
    Source("no public figure; Recoup's own caution, for Stripe itself retries none of these", _READ),
    None,
    None,
)
"""BLIK, wallets and every other kind that has no rule of its own."""

CARDS = frozenset({"card", "card_present", "interac_present", "source"})
"""The kinds that fall under the card networks' rules."""


def scheme_of(method_type: str) -> Scheme | None:
    """The rule of this kind of method; ``None`` for cards."""
    return None if method_type in CARDS else SCHEMES.get(method_type, WALLET)
