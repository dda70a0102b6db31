"""Checks of what Stripe does by itself about failed invoices: whether it would double or undercut what Recoup does.

Stripe tells its account settings to nobody (no API has the retry schedule, the final action or the mails to customers): what can
be inferred is read from open invoices and from subscriptions that have ended; for the rest there is a line that says where to look.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from recoup.billing import stripe_client
from recoup.billing.invoices import is_failed_renewal
from recoup.doctor._findings import Finding, mend, note, ok
from recoup.doctor._stripe import answers
from recoup.errors import ConfigurationError, RecoupError
from recoup.ledger import Ledger
from recoup.policy.file import load_policy
from recoup.rules.policy import Campaign, RetryMode
from recoup.settings import Settings

_RETRIES, _FINAL, _MAILS = "stripe's retries", "stripe's final action", "stripe's mails"
_SHOWN = 3
"""So many ids are named in a finding."""
_BY_STRIPE = ("first_payment_failure", "final_payment_failure")
"""Why Stripe paused a subscription by an account setting (Stripe, ``subscription.status_details.paused``)."""


def retries(settings: Settings) -> list[Finding]:
    """Stripe's own retries fit to the policy's mode, as far as the newest hundred open invoices show."""
    modes = {campaign.retries.mode for campaign in _campaigns(settings)}
    if not modes:
        return []
    with answers("stripe.api_key"):
        listed = stripe_client(settings.stripe).v1.invoices.list({"status": "open", "limit": 100})
        failed = [data for each in listed.data if is_failed_renewal(data := each.to_dict())]
    planned = [data["id"] for data in failed if data.get("auto_advance") and data.get("next_payment_attempt")]
    found = _alone(settings, planned) if RetryMode.OWN in modes else []
    if beside := modes - {RetryMode.OWN}:
        if found:  # what the campaigns of the other mode have taken over says nothing about Stripe's settings
            taken = set(_taken_over(settings, [data["id"] for data in failed]))
            failed = [data for data in failed if data["id"] not in taken]
            planned = [invoice for invoice in planned if invoice not in taken]
        # The newest one speaks for the settings of today: only automatic attempts raise its count above one.
        tried = [data["id"] for data in failed[:1] if (data.get("attempt_count") or 0) > 1]
        mode = RetryMode.OBSERVE if RetryMode.OBSERVE in beside else RetryMode.WEAVE
        found += _together(mode, [data["id"] for data in failed], planned, tried)
    return found


def _alone(settings: Settings, planned: list[str]) -> list[Finding]:
    """With ``own``: Stripe plans nothing for what Recoup has taken over."""
    doubled = _taken_over(settings, planned)
    where = "cannot be read; look at Billing, Revenue recovery, Retries"
    says = f"the schedule {where}: leave it on, it works where Recoup does not; each invoice that is taken up leaves it"
    found = [note(_RETRIES, says)]
    if doubled:
        says = (
            f"Stripe will retry {_named(doubled)} although Recoup has switched that off (retries.mode: own): "
            "find out who switches auto_advance on again, an automation or another app, and switch it off"
        )
        found.insert(0, mend(_RETRIES, says))
    return found


def _together(mode: RetryMode, failed: list[str], planned: list[str], tried: list[str]) -> list[Finding]:
    """With ``weave`` and ``observe``: Stripe does retry."""
    if planned:
        return [
            ok(
                _RETRIES,
                f"Stripe plans attempts by itself, as retries.mode: {mode} expects ({_named(planned)})",
            )
        ]
    if tried:
        says = f"Stripe has retried by itself, as retries.mode: {mode} expects ({_named(tried)}); it plans nothing just now"
        return [ok(_RETRIES, says)]
    where = "look at Billing, Revenue recovery, Retries"
    if not failed:
        return [
            note(
                _RETRIES,
                f"cannot be read while no renewal has failed; {where}: retries.mode: {mode} needs them on",
            )
        ]
    says = f"Stripe plans no attempt for any failed invoice ({_named(failed)}), yet retries.mode is {mode}; {where}"
    return [
        mend(_RETRIES, f"{says}: now nobody retries") if mode is RetryMode.OBSERVE else note(_RETRIES, says)
    ]


def final_action(settings: Settings) -> list[Finding]:
    """What Stripe does to a subscription when its schedule is over must not come before what the policy does."""
    campaigns = _campaigns(settings)
    if not campaigns:
        return []
    earliest = min(campaign.suspend_after_days for campaign in campaigns)
    client, suspends = stripe_client(settings.stripe), f"day {earliest:g}"
    found = []
    with answers("stripe.api_key"):
        for status, why in (
            ("canceled", "cancels subscriptions: a case then ends as lost_cancelled, with no way back"),
            ("unpaid", "marks subscriptions unpaid: later invoices stay drafts, which nobody collects"),
            ("paused", "pauses subscriptions: the customer may lose access before the last notice"),
        ):
            listed = client.v1.subscriptions.list({"status": status, "limit": 100})
            did = [data["id"] for each in listed.data if _by_stripe(data := each.to_dict())]
            if did:
                says = (
                    f"after failed payments Stripe {why} ({_named(did)}); the policy suspends on {suspends}"
                )
                found.append(note(_FINAL, f"{says}: let Stripe leave them as they are"))
    if not found:
        where = "cannot be read; look at Billing, Revenue recovery, Retries"
        says = f"{where}: when all retries have failed, leave the subscription past due; the policy suspends on {suspends}"
        found.append(note(_FINAL, says))
    return found


def mails(settings: Settings) -> list[Finding]:
    """Stripe's own mails to customers would say again what Recoup says, at other moments and with other links."""
    modes = {campaign.retries.mode for campaign in _campaigns(settings)}
    look = "cannot be read; look at the mails to customers in the Dashboard's billing settings"
    says = f"{look}: switch those about failed payments off, Recoup writes them"
    if RetryMode.OWN in modes:
        says += " (those about retries end when an invoice is taken up, the first one does not)"
    return [
        note(_MAILS, says),
        note(
            _MAILS, f"{look}: those about expiring cards come besides Recoup's; decide whether you want them"
        ),
        note(
            _MAILS, f"{look}: switch those about 3-D Secure confirmations off, Recoup leads customers there"
        ),
    ]


def _by_stripe(data: dict[str, Any]) -> bool:
    """Whether Stripe itself did this to a subscription for want of payment."""
    if data["status"] == "canceled":
        return bool((data.get("cancellation_details") or {}).get("reason") == "payment_failed")
    if data["status"] == "paused":
        paused = (data.get("status_details") or {}).get("paused") or {}
        return (paused.get("subscription") or {}).get("type") in _BY_STRIPE
    return True


def _campaigns(settings: Settings) -> list[Campaign]:
    """What new cases may get; nothing of a policy that cannot be used, which is another check's finding."""
    try:
        policy = load_policy(settings.policy_file).policy
    except ConfigurationError:
        return []
    return [*policy.campaigns, *(each.instead for each in policy.experiments)]


def _taken_over(settings: Settings, invoices: list[str]) -> list[str]:
    """Those that Recoup has switched off; a ledger that cannot be read is another check's finding."""
    kind, _, file = settings.database_url.partition(":///")
    if not invoices or (kind.startswith("sqlite") and file and not Path(file).exists()):
        return []
    try:
        book = Ledger.connect(settings.database_url)
    except RecoupError:
        return []
    try:
        book.check()
        rows = [row for each in invoices if (row := book.invoices.takeover(each)) and _is_ours(book, each)]
    except RecoupError:
        return []
    finally:
        book.close()
    return [row.invoice for row in rows if row.released_at is None]


def _is_ours(book: Ledger, invoice: str) -> bool:
    """Whether Recoup may still charge an invoice by its schedule: not where its case has ended, in a suspension say."""
    cases = book.cases.by_invoice(invoice)
    return not cases or any(case.is_open for case in cases)


def _named(ids: list[str]) -> str:
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    return f"{', '.join(ids[:_SHOWN])}{more}"
