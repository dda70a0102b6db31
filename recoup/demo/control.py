"""The sandbox's control API, as the driver uses it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2

from recoup.errors import ConnectionFailed

TIMEOUT_SECONDS = 60.0
"""Moving the clock delivers webhooks on the way, one after another."""

_LIMITS = httpx2.Limits(keepalive_expiry=2)
"""The sandbox closes a connection after five idle seconds; one that is used again just then breaks."""


@dataclass(frozen=True, slots=True)
class Deliveries:
    """The webhooks that have not arrived, and the sandbox's next event."""

    under_way: int
    """Due or in flight at this moment."""
    waiting: int
    """All that are still to be delivered, later retries included."""
    next_event_at: datetime | None


@dataclass(frozen=True, slots=True)
class Seeded:
    """The world's customers as the sandbox made them."""

    start: datetime
    customers: dict[str, str]
    """Stripe's customer id by the key in the world."""
    subscriptions: dict[str, tuple[str, ...]]

    def key_of(self, customer: str) -> str | None:
        """The world's key of a customer id."""
        return next((key for key, id_ in self.customers.items() if id_ == customer), None)


class SandboxControl:
    """Moves the sandbox's clock and reads what it knows."""

    def __init__(self, address: str) -> None:
        self._client = httpx2.AsyncClient(
            base_url=f"{address}/_sandbox", timeout=TIMEOUT_SECONDS, trust_env=False, limits=_LIMITS
        )

    async def now(self) -> datetime:
        """The virtual moment."""
        return _moment((await self._get("clock"))["now"])

    async def move_to(self, moment: datetime) -> datetime:
        """Move the clock forward, standing at everything that falls due before; answers where it stands then."""
        answer = await self._call("POST", "clock", json={"to": moment.timestamp()})
        return _moment(answer["now"])

    async def deliveries(self) -> Deliveries:
        """What has not been delivered yet."""
        told = await self._get("pending")
        upcoming = told["next_event_at"]
        return Deliveries(
            under_way=told["due"] + told["in_flight"],
            waiting=told["waiting"],
            next_event_at=None if upcoming is None else _moment(upcoming),
        )

    async def delivered_since(self, delivery: int) -> int:
        """The number of the newest delivery after this one; the same number where there is none."""
        rows = await self._get("deliveries", since=delivery)
        return max([delivery, *(int(row["id"]) for row in rows)])

    async def seed(self) -> Seeded:
        """Make the world's customers; those that are there stay."""
        told = await self._call("POST", "seed", json={})
        people = told["customers"].items()
        return Seeded(
            start=_moment(told["start"]),
            customers={key: person["customer"] for key, person in people},
            subscriptions={key: tuple(person["subscriptions"]) for key, person in people},
        )

    async def books(self) -> list[dict[str, Any]]:
        """Every invoice with its charges and refunds."""
        return list(await self._get("books"))

    async def requests(self) -> list[dict[str, Any]]:
        """Every API call so far."""
        return list(await self._get("requests"))

    async def add_faults(self, *rules: dict[str, Any]) -> None:
        """Put faults in force."""
        await self._call("POST", "faults", json=list(rules))

    async def clear_faults(self) -> None:
        """No faults any more."""
        await self._call("DELETE", "faults")

    async def close(self) -> None:
        """Give the connection back."""
        await self._client.aclose()

    async def _get(self, name: str, **query: Any) -> Any:
        return await self._call("GET", name, params=query)

    async def _call(self, method: str, name: str, **more: Any) -> Any:
        try:
            answer = await self._client.request(method, f"/{name}", **more)
        except httpx2.HTTPError as error:
            raise ConnectionFailed(f"The sandbox does not answer: {type(error).__name__}") from error
        if not answer.is_success:
            raise ConnectionFailed(f"The sandbox refused {method} {name}: {answer.text[:300]}")
        return answer.json()


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
