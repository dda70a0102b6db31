"""Slack: the few events that somebody should see at once, through an incoming webhook.

Nothing can be looked up through an incoming webhook, so a message whose answer was lost may come twice. Slack allows about one
message a second and says with 429 and ``Retry-After`` when to go on (Slack, "Rate limits", "Sending messages using incoming webhooks").
"""

from __future__ import annotations

from recoup.integrations import _words
from recoup.integrations._http import Http
from recoup.integrations.destination import About
from recoup.integrations.published import EventType, PublicEvent
from recoup.integrations.settings import SlackDestination

DEFAULT_EVENTS = frozenset({EventType.PERSON_NEEDED, EventType.LOST, EventType.RECOVERED})
_LONGEST_TEXT = 3000


class Slack:
    """One channel."""

    def __init__(self, settings: SlackDestination, timeout: float) -> None:
        self.name = settings.name
        self.wanted = DEFAULT_EVENTS
        self._settings = settings
        self._http = Http("Slack", timeout)

    def wants(self, event: PublicEvent) -> bool:
        """All of its types, but for small recoveries."""
        small = event.case.amount < self._settings.recovered_least
        return event.type in self.wanted and not (event.type is EventType.RECOVERED and small)

    def deliver(self, event: PublicEvent, about: About, *, repeated: bool) -> None:
        """Post one line."""
        text = f"{_escaped(_words.sentence(event))} `{event.case.id}` · `{event.customer}`"
        body = {"text": text[:_LONGEST_TEXT], "unfurl_links": False}
        url = self._settings.webhook_url.get_secret_value()
        self._http.ask("POST", url, "post a message", json=body)


def _escaped(text: str) -> str:
    """Slack reads these three as markup, and with ``<!channel>`` calls everybody (Slack, "Formatting text for app surfaces")."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
