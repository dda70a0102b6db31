"""Standard Webhooks: every public event, signed, to whoever wants to build on it (standardwebhooks.com)."""

from __future__ import annotations

import json

from recoup.clock import Clock
from recoup.integrations._http import Http
from recoup.integrations.destination import About
from recoup.integrations.published import EventType, PublicEvent
from recoup.integrations.settings import WebhookDestination
from recoup.integrations.signing import signer


class WebhookReceiver:
    """One endpoint.

    The id, the moment of the event and the body are the same for every try; the signature's moment is that of the try, as the
    specification wants it. All secrets sign, so that a receiver may change from one to the next.
    """

    def __init__(self, settings: WebhookDestination, timeout: float, clock: Clock) -> None:
        """Raises :class:`ConfigurationError` where a secret cannot be used."""
        self.name = settings.name
        self.wanted = frozenset(EventType)
        self._url = str(settings.url)
        self._clock = clock
        self._http = Http(f"The webhook {settings.name}", timeout)
        whose = f"A secret of the destination {settings.name}"
        self._signers = [signer(secret.get_secret_value(), whose) for secret in settings.secrets]

    def wants(self, event: PublicEvent) -> bool:
        """All of its types."""
        return event.type in self.wanted

    def deliver(self, event: PublicEvent, about: About, *, repeated: bool) -> None:
        """Post it; a repetition carries the same id, by which the receiver knows it."""
        body = json.dumps(event.payload())
        at = self._clock.now()
        headers = {
            "content-type": "application/json",
            "webhook-id": event.key,
            "webhook-timestamp": str(int(at.timestamp())),
            "webhook-signature": " ".join(signer.sign(event.key, at, body) for signer in self._signers),
        }
        self._http.ask("POST", self._url, f"take {event.key}", headers=headers, content=body)
