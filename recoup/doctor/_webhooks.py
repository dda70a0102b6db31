"""Checks of the webhook endpoint at Stripe: whether it leads here, and whether it tells everything in a form that can be read."""

from __future__ import annotations

from typing import Any

import stripe

from recoup.billing import stripe_client
from recoup.doctor._findings import Finding, mend, note, ok
from recoup.doctor._stripe import answers
from recoup.settings import Settings
from recoup.web.webhooks.endpoint import is_live_key
from recoup.web.webhooks.shapes import API_VERSION

NEEDED = frozenset(
    """
    invoice.payment_failed invoice.paid invoice.voided invoice.marked_uncollectible
    customer.subscription.created customer.subscription.updated customer.subscription.deleted customer.updated
    payment_method.attached payment_method.updated payment_method.automatically_updated setup_intent.succeeded
    charge.failed charge.dispute.created radar.early_fraud_warning.created
    """.split()
)
"""The event types that move cases, or count for the networks' limits; the others of docs/webhooks.md are only recorded."""

_WHAT = "webhook endpoint"
_OLDEST_READABLE = "2025-03-31"
"""Since this version (basil) invoices have the shape that Recoup reads (Stripe, changelog)."""


def endpoint(settings: Settings) -> list[Finding]:
    """The account has an endpoint that leads here, is on, and tells what is needed."""
    address = f"{settings.public_url.rstrip('/')}/webhooks/stripe"
    with answers("stripe.api_key"):
        try:
            listed = stripe_client(settings.stripe).v1.webhook_endpoints.list({"limit": 100})
            found = [each.to_dict() for each in listed.auto_paging_iter()]
        except stripe.PermissionError:
            return [note(_WHAT, f"cannot be read with this key; look whether one leads to {address}")]
    here = [each for each in found if each["url"].rstrip("/") == address]
    if not here:
        return [_none(settings, address)]
    return [finding for each in here for finding in (*_astray(each, address), *_examined(each))] or [
        ok(_WHAT, f"{here[0]['id']} leads to {address} and tells all that is needed")
    ]


def _astray(told: dict[str, Any], address: str) -> list[Finding]:
    """The starter answers at its own address alone, and redirects nothing: to Stripe a redirect is a failure."""
    if told["url"] == address:
        return []
    return [mend(_WHAT, f"{told['id']} leads to {told['url']}, where nobody answers: write {address}")]


def _none(settings: Settings, address: str) -> Finding:
    says = f"none of the account's endpoints leads to {address}: until one does, only `recoup sweep` finds failures"
    live = is_live_key(settings.stripe.api_key.get_secret_value())
    return mend(_WHAT, says) if live else note(_WHAT, f"{says} (in test mode something may forward them)")


def _examined(told: dict[str, Any]) -> list[Finding]:
    found: list[Finding] = []
    if told.get("status") == "disabled":
        found.append(mend(_WHAT, f"{told['id']} is disabled: Stripe sends nothing to it; enable it"))
    missing = sorted(NEEDED - set(told["enabled_events"]))
    if missing and "*" not in told["enabled_events"]:
        found.append(
            mend(_WHAT, f"{told['id']} does not send these event types, add them: {', '.join(missing)}")
        )
    version = told.get("api_version")
    if version is None:
        says = f"{told['id']} follows the account's default API version, which cannot be read; make one with {API_VERSION}"
        found.append(note(_WHAT, says))
    elif version != API_VERSION:
        grade = mend if version < _OLDEST_READABLE else note
        found.append(grade(_WHAT, f"{told['id']} sends events of {version}; Recoup reads {API_VERSION}"))
    return found
