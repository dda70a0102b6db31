"""The one Stripe client of a process."""

from __future__ import annotations

import stripe
from stripe import StripeClient

from recoup.billing._requests import TracedRequests
from recoup.errors import ConfigurationError
from recoup.settings import StripeSettings

NETWORK_RETRIES = 2
"""The SDK's own retries of one call; ``StripeClient`` makes none unless told to."""

MAX_PAUSES_SECONDS = 4.5
"""The longest the SDK waits between the tries of one call (0.5 s doubled, with jitter, for two retries)."""


def stripe_client(settings: StripeSettings) -> StripeClient:
    """A client for the configured account, or for the sandbox when ``api_base`` is set.

    Raises:
        ConfigurationError: no key is set.
    """
    key = settings.api_key.get_secret_value()
    if not key:
        raise ConfigurationError(
            "No Stripe key is set: set RECOUP_STRIPE__API_KEY to a secret or restricted key"
        )
    stripe.enable_telemetry = False
    return StripeClient(
        key,
        base_addresses={"api": settings.api_base} if settings.api_base else {},
        max_network_retries=NETWORK_RETRIES,
        http_client=TracedRequests(timeout=settings.timeout_seconds),
    )


def longest_call_seconds(settings: StripeSettings) -> float:
    """The longest that one call may take, its retries included."""
    return (NETWORK_RETRIES + 1) * settings.timeout_seconds + MAX_PAUSES_SECONDS
