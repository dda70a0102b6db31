"""A ledger with cases, destinations on real sockets, a clock that a test moves, and passes of the courier over them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from pydantic import HttpUrl, SecretStr
from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

from activities._courier import Courier
from activities.integration_contracts import Delivered
from recoup.integrations.building import destinations_from
from recoup.integrations.destination import About, Standing
from recoup.integrations.published import PublicEvent
from recoup.integrations.settings import (
    DestinationSettings,
    HubSpotDestination,
    IntegrationSettings,
    SalesforceDestination,
    SlackDestination,
    WebhookDestination,
)
from recoup.ledger import DeliveryRow, DeliveryState, Ledger
from tests.ledger.builders import NOW, a_case, a_message, an_attempt, declined

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
STANDING = Standing("waiting", "49.00", "pln", "", "attempt on 2026-11-25 09:00 UTC: the third day")


class Hands:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self._now = NOW

    def now(self) -> datetime:
        return self._now

    def move(self, **span: float) -> None:
        self._now += timedelta(**span)


def webhook(server: HTTPServer, name: str = "company", **more: Any) -> WebhookDestination:
    """A receiver at ``/hooks``."""
    secrets = (SecretStr(SECRET),)
    return WebhookDestination(
        kind="webhook", name=name, url=HttpUrl(server.url_for("/hooks")), secrets=secrets, **more
    )


def hubspot(server: HTTPServer, **more: Any) -> HubSpotDestination:
    """A HubSpot account."""
    return HubSpotDestination(
        kind="hubspot", name="crm", token=SecretStr("pat-1"), api_base=HttpUrl(server.url_for("")), **more
    )


def salesforce(server: HTTPServer, **more: Any) -> SalesforceDestination:
    """A Salesforce organisation."""
    return SalesforceDestination(
        kind="salesforce",
        name="sales",
        login_url=HttpUrl(server.url_for("")),
        client_id="client",
        client_secret=SecretStr("secret"),
        **more,
    )


def slack(server: HTTPServer, **more: Any) -> SlackDestination:
    """A channel."""
    return SlackDestination(
        kind="slack", name="channel", webhook_url=SecretStr(server.url_for("/services/T/B/x")), **more
    )


@dataclass
class Inbox:
    """What a receiver got; ``answers`` are given in order, then 204."""

    answers: list[Response | Callable[[Request], Response]] = field(default_factory=list)
    got: list[Request] = field(default_factory=list)

    def __call__(self, request: Request) -> Response:
        request.get_data()
        self.got.append(request)
        answer = self.answers.pop(0) if self.answers else Response(status=204)
        return answer if isinstance(answer, Response) else answer(request)

    def types(self) -> list[str]:
        """The types that came, repetitions included."""
        return [json.loads(request.get_data())["type"] for request in self.got]

    def ids(self) -> list[str]:
        return [request.headers["webhook-id"] for request in self.got]


@dataclass
class Stage:
    """One ledger, one clock, and a courier for whatever destination is given."""

    ledger: Ledger
    clock: Hands = field(default_factory=Hands)
    standing: Standing = STANDING
    email: str | None = None
    give_up_days: float = 7
    passes: int = 0

    def begin(self, *destinations: DestinationSettings) -> None:
        """The destinations are there before anything happens."""
        for each in destinations:
            self.ledger.deliveries.register(each.name, 0, self.clock.now())

    def courier(self, settings: DestinationSettings) -> Courier:
        """A courier for one pass."""
        self.passes += 1
        wanted = IntegrationSettings(destinations=(settings,), timeout_seconds=2)
        return Courier(
            destination=destinations_from(wanted, self.clock)[settings.name],
            ledger=self.ledger,
            clock=self.clock,
            by=f"worker/{self.passes}",
            about=self._about,
            give_up_after=timedelta(days=self.give_up_days),
        )

    def look(self, settings: DestinationSettings) -> Delivered:
        """One pass."""
        return self.courier(settings).run()

    def _about(self, event: PublicEvent) -> About:
        return About(standing=lambda: self.standing, email=lambda: self.email)

    def case(self, case_id: str = "in_1", **more: Any) -> None:
        """A case begins."""
        self.ledger.cases.open(a_case(case_id, **more), self.clock.now())

    def attempt(self, case_id: str = "in_1", number: int = 1) -> None:
        """An attempt of it is declined."""
        new = an_attempt(case_id, f"{case_id}#{number}")
        reservation = self.ledger.attempts.reserve(new, self.clock.now())
        assert reservation.attempt is not None
        self.ledger.attempts.settle(
            reservation.attempt.id, declined(f"ch_{case_id}_{number}"), self.clock.now()
        )

    def message(self, case_id: str = "in_1") -> None:
        """The customer is told."""
        key = f"{case_id}/payment_failed"
        self.ledger.messages.reserve(a_message(key, case_id=case_id), self.clock.now())
        self.ledger.messages.begin_sending(key, self.clock.now())
        self.ledger.messages.mark_sent(key, "<id>", self.clock.now())

    def late(self, name: str) -> list[DeliveryRow]:
        """All that did not go at once."""
        return self.ledger.deliveries.late(name, *DeliveryState)
