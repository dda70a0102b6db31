"""Telling the company's own backend who may use the product: signed Standard Webhooks (standardwebhooks.com)."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Protocol

import httpx2

from recoup.errors import ConnectionFailed
from recoup.integrations.signing import signer
from recoup.rules.base import Frozen
from recoup.settings import AccessSettings

TIMEOUT_SECONDS = 10.0


class AccessChange(Frozen):
    """What the backend is told: ``access.suspended`` or ``access.restored``, for whom and why; ids only."""

    type: str
    customer: str
    subscription: str | None
    invoice: str
    case: str
    because: str


class Backend(Protocol):
    """Somebody who has to know about a change of access."""

    def tell(self, change: AccessChange, *, id_: str, at: datetime) -> None:
        """Tell it; the same ``id_`` is the same change, however often it is told."""
        ...


class NoBackend:
    """Nobody is told: no address is configured, the ledger and Stripe alone carry the state."""

    def tell(self, change: AccessChange, *, id_: str, at: datetime) -> None:
        pass


class WebhookBackend:
    """A backend reached by signed webhooks."""

    def __init__(self, url: str, secret: str) -> None:
        """``secret`` is ``whsec_`` and base64.

        Raises:
            ConfigurationError: the secret cannot be used.
        """
        self._webhook = signer(secret, "The setting access.webhook_secret")
        self._url = url
        # Made once: reading the certificates takes longer than telling.
        self._ssl = httpx2.create_ssl_context()

    def tell(self, change: AccessChange, *, id_: str, at: datetime) -> None:
        """Post the change.

        Raises:
            ConnectionFailed: the backend did not take it; it has to be told again.
        """
        data = change.model_dump(mode="json", exclude={"type"})
        body = json.dumps({"type": change.type, "timestamp": at.isoformat(), "data": data})
        headers = {
            "content-type": "application/json",
            "webhook-id": id_,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": self._webhook.sign(id_, at, body),
        }
        try:
            # What the answer says is not read: it may be as long as it likes.
            with httpx2.stream(
                "POST",
                self._url,
                content=body,
                headers=headers,
                timeout=TIMEOUT_SECONDS,
                follow_redirects=False,
                verify=self._ssl,
            ) as answer:
                pass
        except httpx2.HTTPError as error:
            raise ConnectionFailed(
                f"The company's backend did not answer to {change.type}: {type(error).__name__}"
            ) from None
        if not answer.is_success:
            raise ConnectionFailed(
                f"The company's backend answered {answer.status_code} to {change.type}; it is told again"
            )


def backend_from(settings: AccessSettings) -> Backend:
    """The backend that the settings name."""
    if settings.webhook_url is None:
        return NoBackend()
    return WebhookBackend(str(settings.webhook_url), settings.webhook_secret.get_secret_value())
