"""What the sandbox answers differently from Stripe's published description, which is of `2026-05-27.dahlia`.

Everything here came or went between that version and the sandbox's (`2026-10-28.endive`), or is left open by the description. The
SDK's types, which are of the newer version, check the same answers beside it. A name that is not needed fails a test.
"""

from __future__ import annotations

from tests.sandbox.openapi import Newer

_SDK = "has it in the SDK's types of endive"

NEWER = Newer(
    fields={
        "dispute_evidence_details.submission_method": f"required: {_SDK}",
        "invoice.status_details": "endive: why an invoice is uncollectible",
        "portal_flows_flow.customer_update": f"a flow of the billing portal that came later: {_SDK}",
        "portal_flows_flow.subscription_pause": "2026-09-30.endive: pausing in the billing portal",
        "portal_features.subscription_pause": "2026-09-30.endive: pausing in the billing portal",
        "product.type": f"required: {_SDK}",
        "refund.customer": f"who is refunded: {_SDK}",
        "refund.customer_account": f"who is refunded: {_SDK}",
        "refund.payment_method": f"where the money goes: {_SDK}",
        "subscription.status_details": "2026-09-30.endive: pausing a subscription, and why it is paused",
        "subscription_item.plan": f"required: {_SDK}",
        "subscriptions_resource_subscription_invoice_settings.custom_fields": f"defaults of invoices: {_SDK}",
        "subscriptions_resource_subscription_invoice_settings.description": f"defaults of invoices: {_SDK}",
        "subscriptions_resource_subscription_invoice_settings.footer": f"defaults of invoices: {_SDK}",
    },
    paths={
        "POST /v1/subscriptions/{id}/pause": ("subscription", "2026-09-30.endive: pausing a subscription"),
    },
)
