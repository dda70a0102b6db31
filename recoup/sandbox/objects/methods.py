"""Payment methods: cards and SEPA direct debits."""

from __future__ import annotations

import hashlib
from typing import Any

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.issuers import Known
from recoup.sandbox.objects.common import billing_details
from recoup.sandbox.work import Work
from recoup.worlds.methods import Card, Debit


def create_card(work: Work, known: Known, *, owner: Doc | None = None, metadata: Doc | None = None) -> Doc:
    """A card as a payment method, not attached to anybody."""
    method = known.method
    assert isinstance(method, Card)
    assert known.expiry is not None
    card: Doc = {
        "brand": method.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": None},
        "country": method.country,
        "display_brand": method.brand,
        "exp_month": known.expiry[0],
        "exp_year": known.expiry[1],
        "fingerprint": method.fingerprint,
        "funding": method.funding,
        "generated_from": None,
        "last4": method.last4,
        "networks": {"available": [method.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }
    return _create(work, "card", card, known.key, owner, metadata)


def create_sepa_debit(
    work: Work, known: Known, *, owner: Doc | None = None, metadata: Doc | None = None
) -> Doc:
    """A SEPA direct debit mandate's account as a payment method."""
    assert isinstance(known.method, Debit)
    debit: Doc = {
        "bank_code": "37040044",
        "branch_code": None,
        "country": known.method.country,
        "fingerprint": hashlib.sha256(f"account {known.key}".encode()).hexdigest()[:16],
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": known.method.last4,
    }
    return _create(work, "sepa_debit", debit, known.key, owner, metadata)


def create_other(work: Work, way: str) -> Doc:
    """A payment method for one payment: ``blik``, or ``bank_transfer`` (Stripe's ``customer_balance``)."""
    type_ = "customer_balance" if way == "bank_transfer" else way
    return _create(work, type_, {"fingerprint": None}, f"way:{way}", None, None)


def _create(work: Work, type_: str, details: Doc, key: str, owner: Doc | None, metadata: Doc | None) -> Doc:
    fields: dict[str, Any] = {
        type_: {key: value for key, value in details.items() if value is not None or type_ == "card"}
    }
    return work.create(
        "payment_method",
        allow_redisplay="unspecified",
        billing_details=billing_details(owner),
        customer=None,
        customer_account=None,
        livemode=False,
        metadata=metadata or {},
        type=type_,
        _card=key,
        _fingerprint=details["fingerprint"],
        _set_up=False,
        **fields,
    )
