"""The destinations that the settings name, ready to be delivered to."""

from __future__ import annotations

import difflib

from recoup.clock import Clock
from recoup.errors import ConfigurationError
from recoup.integrations.destination import Destination
from recoup.integrations.hubspot import HubSpot
from recoup.integrations.published import EventType
from recoup.integrations.salesforce import Salesforce
from recoup.integrations.settings import (
    DestinationSettings,
    HubSpotDestination,
    IntegrationSettings,
    SalesforceDestination,
    WebhookDestination,
)
from recoup.integrations.slack import Slack
from recoup.integrations.webhook import WebhookReceiver


def destinations_from(settings: IntegrationSettings, clock: Clock) -> dict[str, Destination]:
    """Every destination by its name.

    Raises:
        ConfigurationError: a secret cannot be used, or a type of event does not exist.
    """
    made: dict[str, Destination] = {}
    for each in settings.destinations:
        destination = _made(each, settings.timeout_seconds, clock)
        if each.events is not None:
            destination.wanted = frozenset(_type(name, each.name) for name in each.events)
        made[each.name] = destination
    return made


def _made(settings: DestinationSettings, timeout: float, clock: Clock) -> Destination:
    if isinstance(settings, WebhookDestination):
        return WebhookReceiver(settings, timeout, clock)
    if isinstance(settings, HubSpotDestination):
        return HubSpot(settings, timeout)
    if isinstance(settings, SalesforceDestination):
        return Salesforce(settings, timeout)
    return Slack(settings, timeout)


def _type(name: str, destination: str) -> EventType:
    try:
        return EventType(name)
    except ValueError:
        near = difflib.get_close_matches(name, list(EventType), 1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise ConfigurationError(
            f"The destination {destination} wants {name}, which is no type of event (docs/integrations.md){hint}"
        ) from None
