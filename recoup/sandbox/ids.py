"""Identifiers in Stripe's style: a prefix that tells the type, then random letters and digits."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_letters + string.digits

PREFIXES: dict[str, str] = {
    "account": "acct",
    "billing_portal.configuration": "bpc",
    "billing_portal.session": "bps",
    "charge": "ch",
    "checkout.session": "cs_test",
    "credit_note": "cn",
    "credit_note_line_item": "cnli",
    "customer": "cus",
    "dispute": "du",
    "event": "evt",
    "invoice": "in",
    "invoice_payment": "inpay",
    "invoiceitem": "ii",
    "line_item": "il",
    "mandate": "mandate",
    "payment_intent": "pi",
    "payment_method": "pm",
    "price": "price",
    "product": "prod",
    "refund": "re",
    "setup_intent": "seti",
    "subscription": "sub",
    "subscription_item": "si",
    "test_helpers.test_clock": "clock",
    "webhook_endpoint": "we",
}


def random_text(length: int) -> str:
    """So many random letters and digits."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def new_id(type_: str) -> str:
    """A fresh identifier for an object of this type."""
    return f"{PREFIXES[type_]}_{random_text(14 if type_ in ('customer', 'product') else 24)}"


def type_of(id_: str) -> str | None:
    """The type of object that an identifier belongs to, told by its prefix."""
    known = [type_ for type_, prefix in PREFIXES.items() if id_.startswith(prefix + "_")]
    return max(known, key=lambda type_: len(PREFIXES[type_]), default=None)
