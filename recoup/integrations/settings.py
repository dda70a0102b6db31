"""The settings of the destinations."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, HttpUrl, SecretStr, StringConstraints, model_validator

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
ApiName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_]{0,99}$")]
"""The name of a property or a field, as the CRM's interface writes it."""


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Destination(_Section):
    name: Name
    """Unique; the bookmark of what was delivered hangs on it."""
    events: tuple[str, ...] | None = None
    """The types of events it gets; by default those that make sense there."""


class WebhookDestination(_Destination):
    """A receiver of Standard Webhooks."""

    kind: Literal["webhook"]
    url: HttpUrl
    secrets: Annotated[tuple[SecretStr, ...], Field(min_length=1)]
    """``whsec_`` and base64; every one signs, so that one can be rolled."""


class HubSpotDestination(_Destination):
    """HubSpot."""

    kind: Literal["hubspot"]
    token: SecretStr
    api_version: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}$")] = "2026-09"
    """The date version in the paths of HubSpot's interface."""
    record: Literal["contact", "company"] = "contact"
    customer_property: ApiName = "stripe_customer_id"
    """The property of the record that holds the Stripe customer id."""
    api_base: HttpUrl = HttpUrl("https://api.hubapi.com")


class SalesforceDestination(_Destination):
    """Salesforce."""

    kind: Literal["salesforce"]
    login_url: HttpUrl
    """The company's My Domain, where a token is asked for."""
    client_id: str
    client_secret: SecretStr
    api_version: Annotated[str, StringConstraints(pattern=r"^v\d{2,3}\.0$")] = "v64.0"
    record: Literal["Contact", "Account"] = "Contact"
    customer_field: ApiName = "Stripe_Customer_Id__c"
    """The external id field of the record that holds the Stripe customer id."""


class SlackDestination(_Destination):
    """A channel in Slack, through an incoming webhook."""

    kind: Literal["slack"]
    webhook_url: SecretStr
    """Whoever knows it can post there."""
    recovered_least: Annotated[int, Field(ge=0)] = 100_000
    """A recovery of less than so many minor units is not told."""


DestinationSettings = Annotated[
    WebhookDestination | HubSpotDestination | SalesforceDestination | SlackDestination,
    Field(discriminator="kind"),
]


class IntegrationSettings(_Section):
    """Who else is told of what happens in the cases."""

    every_seconds: Annotated[float, Field(ge=1, le=3600)] = 30
    """How often each destination is looked after."""
    give_up_days: Annotated[float, Field(gt=0, le=60)] = 7
    """How long a delivery is tried before it is parked as dead."""
    timeout_seconds: Annotated[float, Field(gt=0, le=15)] = 10
    """For one request to a destination; a delivery with all its requests stays below the three minutes of a claim."""
    destinations: tuple[DestinationSettings, ...] = ()

    @model_validator(mode="after")
    def _named_once(self) -> IntegrationSettings:
        names = [destination.name for destination in self.destinations]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise ValueError(f"two destinations are called {twice[0]}; give each a name of its own")
        return self
