"""The account, and what belongs to it from the start: the portal's configuration."""

from __future__ import annotations

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.work import Work


def ensure_account(work: Work) -> Doc:
    """The one account; made with its default portal configuration at the first start."""
    account = work.first("account", {})
    if account is not None:
        return account
    create_configuration(work, is_default=True)
    return work.create(
        "account",
        business_profile={"mcc": None, "name": "Recoup sandbox", "support_email": None, "url": None},
        business_type="company",
        capabilities={"card_payments": "active", "sepa_debit_payments": "active", "transfers": "active"},
        charges_enabled=True,
        country="PL",
        default_currency="pln",
        details_submitted=True,
        email="sandbox@example.com",
        metadata={},
        payouts_enabled=True,
        settings={
            "branding": {"icon": None, "logo": None, "primary_color": None, "secondary_color": None},
            "card_payments": {
                "decline_on": {"avs_failure": False, "cvc_failure": False},
                "statement_descriptor_prefix": None,
                "statement_descriptor_prefix_kana": None,
                "statement_descriptor_prefix_kanji": None,
            },
            "dashboard": {"display_name": "Recoup sandbox", "timezone": "Etc/UTC"},
            "payments": {
                "statement_descriptor": "RECOUP SANDBOX",
                "statement_descriptor_kana": None,
                "statement_descriptor_kanji": None,
            },
        },
        type="standard",
    )


def create_configuration(work: Work, *, is_default: bool = False) -> Doc:
    """A configuration of the billing portal in which payment methods can be updated."""
    return work.create(
        "billing_portal.configuration",
        active=True,
        application=None,
        business_profile={"headline": None, "privacy_policy_url": None, "terms_of_service_url": None},
        default_return_url=None,
        features={
            "customer_update": {"allowed_updates": [], "enabled": False},
            "invoice_history": {"enabled": True},
            "payment_method_update": {"enabled": True, "payment_method_configuration": None},
            "subscription_cancel": {
                "cancellation_reason": {"enabled": False, "options": []},
                "enabled": False,
                "mode": "at_period_end",
                "proration_behavior": "none",
            },
            "subscription_pause": {
                "duration": {"interval_options": [], "type": "indefinite"},
                "enabled": False,
            },
            "subscription_update": {
                "default_allowed_updates": [],
                "enabled": False,
                "products": [],
                "proration_behavior": "none",
                "schedule_at_period_end": {"conditions": []},
                "trial_update_behavior": "end_trial",
            },
        },
        is_default=is_default,
        livemode=False,
        login_page={"enabled": False, "url": None},
        metadata={},
        name=None,
        updated=work.now,
    )
