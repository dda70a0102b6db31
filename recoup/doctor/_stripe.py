"""Checks of the Stripe account."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import stripe

from recoup.billing import stripe_client
from recoup.doctor._findings import Finding, mend, note, ok
from recoup.errors import ConfigurationError, ConnectionFailed
from recoup.settings import Settings
from recoup.web.webhooks.endpoint import is_live_key

_SECRET_PREFIX = "whsec_"  # noqa: S105 - what every such secret begins with


def account(settings: Settings) -> list[Finding]:
    """The key is good, and whose it is."""
    client = stripe_client(settings.stripe)
    with answers("stripe.api_key"):
        told = client.v1.accounts.retrieve_current().to_dict()
    mode = {True: "live mode: real money", False: "test mode", None: "in a mode that its form does not tell"}
    live = is_live_key(settings.stripe.api_key.get_secret_value())
    where = f" at {settings.stripe.api_base}" if settings.stripe.api_base else ""
    return [ok("stripe", f"the key works{where}: account {told['id']}, {mode[live]}")]


def webhooks(settings: Settings) -> list[Finding]:
    """Webhooks could be checked."""
    secrets = [secret.get_secret_value() for secret in settings.stripe.webhook_secrets]
    if not secrets:
        return [
            mend(
                "webhooks",
                "stripe.webhook_secrets is empty: add the signing secret of the endpoint that leads to"
                f" {settings.public_url.rstrip('/')}/webhooks/stripe",
            )
        ]
    if not all(secret.startswith(_SECRET_PREFIX) for secret in secrets):
        return [
            mend(
                "webhooks", f"a signing secret in stripe.webhook_secrets does not begin with {_SECRET_PREFIX}"
            )
        ]
    return [ok("webhooks", f"{len(secrets)} signing secret(s)")]


def portal(settings: Settings) -> list[Finding]:
    """The customer portal lets customers change their payment method."""
    client, wanted = stripe_client(settings.stripe), settings.stripe.portal_configuration
    with answers("stripe.portal_configuration"):
        if wanted:
            found: dict[str, Any] | None = client.v1.billing_portal.configurations.retrieve(wanted).to_dict()
        else:
            listed = client.v1.billing_portal.configurations.list({"is_default": True, "limit": 1})
            found = listed.data[0].to_dict() if listed.data else None
    if found is None:
        return [
            mend(
                "portal",
                "the account has no customer portal yet: save its settings once in Stripe's dashboard",
            )
        ]
    if not found["features"]["payment_method_update"]["enabled"]:
        return [
            mend(
                "portal",
                f"the portal configuration {found['id']} does not let customers update payment methods; allow it",
            )
        ]
    if not found.get("active", True):
        return [note("portal", f"the portal configuration {found['id']} is not active")]
    return [ok("portal", f"{found['id']} lets customers update their payment method")]


@contextmanager
def answers(setting: str) -> Iterator[None]:
    """Stripe's errors inside become sentences for the operator; ``setting`` is what would have to be corrected."""
    try:
        yield
    except stripe.AuthenticationError as error:
        raise ConfigurationError("Stripe does not know the key in stripe.api_key: correct it") from error
    except stripe.PermissionError as error:
        raise ConfigurationError(
            f"The key in stripe.api_key may not read this; give it the permission (docs/commands.md): {error.code or error}"
        ) from error
    except stripe.InvalidRequestError as error:
        raise ConfigurationError(
            f"Stripe does not accept {setting}: {error.user_message or error.code}"
        ) from error
    except stripe.StripeError as error:
        told = error.code or type(error).__name__
        raise ConnectionFailed(
            f"Stripe does not answer ({told}): check the network, or stripe.api_base"
        ) from error
