"""Many customers who live the same life beside each other, and a Recoup that hears of it in an order of each one's own.

The sandbox runs in its own process and is reached over HTTP; the starter's app, the activities, the ledger and the company's
backend are the real ones; the workflows' unchanged code runs in this process on virtual time (:mod:`recoup.virtual.host`). Time
moves only between the chapters of a life: whatever Stripe has told by then is delivered with the clock standing, in any
order, once or more, and in between the worker does some of its work, or none.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import httpx2
import yaml
from pydantic import HttpUrl, SecretStr

import starter
import worker
from recoup.billing import stripe_client
from recoup.ledger import Ledger
from recoup.messages import MailSettings, OutboxSender
from recoup.rules.policy import Policy
from recoup.settings import AccessSettings, Settings, StarterSettings
from recoup.temporal.gateway import CaseGateway
from recoup.virtual.agenda import Agenda
from recoup.virtual.client import HostClient
from recoup.virtual.host import Host
from recoup.virtual.news import SUBSCRIBED
from recoup.web.stripe_side import StripeBilling
from recoup.web.webhooks.signature import sign
from tests.fixtures.sandbox import KEY, Sandbox, running_sandbox
from tests.proofs.lives import Act, Chapter, Event, Life, Post, world_of
from tests.proofs.standins import Calm, CountingCompany, Standing
from workflows.hosted import RECOVERY

WEBHOOK_SECRET = "whsec_of_the_lives"
ACCESS_SECRET = "whsec_bGl2ZXMgb2YgcmVjb3VwLCBub3QgYSBzZWNyZXQ="
TICK = timedelta(minutes=30)
"""What falls due within this of each other happens with the clock standing."""


class Theatre:
    """Plays lives, chapter by chapter."""

    def __init__(
        self, directory: Path, posts: list[Post], life: type[Life] = Life, hour: int | None = None
    ) -> None:
        """``hour`` of the day, in UTC, is when the trials end and the renewals fail; ``None``: in three hours."""
        self._life, self._hour = life, hour
        self._directory = directory
        self._posts = posts
        self._agenda = Agenda()
        self._loop = asyncio.Runner()
        self._newest = ""
        self.sent: list[tuple[str, str]] = []
        self.statuses: Counter[int] = Counter()
        self.deliveries = 0

    @contextmanager
    def open(self) -> Iterator[Theatre]:
        """Everything is there, and the customers have subscribed."""
        self._directory.mkdir(parents=True, exist_ok=True)
        world = self._directory / "world.yaml"
        world.write_text(world_of(len(self._posts)))
        with ExitStack() as stack:
            self.sandbox: Sandbox = stack.enter_context(running_sandbox(self._directory, world))
            bearer = {"authorization": f"Bearer {KEY}"}
            http = httpx2.Client(base_url=self.sandbox.address, headers=bearer, timeout=60, trust_env=False)
            self._http = stack.enter_context(http)
            self._clock = Standing(datetime.fromtimestamp(self._stripes_now(), UTC))
            stack.enter_context(self._clock.for_everybody())
            self.company = CountingCompany(ACCESS_SECRET, self._directory / "clock")
            self.company.calls = []
            self.company.start()
            stack.callback(self.company.stop)
            stack.callback(self._loop.close)
            settings = self._settings()
            self.ledger = Ledger.connect(settings.database_url)
            stack.callback(self.ledger.close)
            self.ledger.migrate()
            self._compose(settings)
            stack.callback(lambda: self._loop.run(self._app.aclose()))
            self._begin()
            yield self

    def _settings(self) -> Settings:
        policy = self._directory / "policy.yaml"
        policy.write_text(yaml.safe_dump(Policy(version=1).model_dump(mode="json")))
        return Settings.model_construct(
            stripe=self.sandbox.settings.model_copy(
                update={"webhook_secrets": (SecretStr(WEBHOOK_SECRET),), "timeout_seconds": 30}
            ),
            access=AccessSettings(
                webhook_url=HttpUrl(self.company.url), webhook_secret=SecretStr(ACCESS_SECRET)
            ),
            starter=StarterSettings(),
            mail=MailSettings(outbox=self._directory / "outbox", company="Northwind"),
            database_url=f"sqlite:///{self._directory / 'recoup.db'}",
            policy_file=policy,
            public_url="http://127.0.0.1:1",
            link_secrets=(SecretStr("lives-of-recoup-not-a-secret-0123"),),
            clock_file=self._directory / "clock",
        )

    def _compose(self, settings: Settings) -> None:
        client = HostClient(None, lambda: None, lambda: None)  # type: ignore[arg-type]  # its host comes next

        async def connected() -> HostClient:
            return client

        activities = worker.build_activities(settings, self.ledger, cast(Any, connected))
        self.host = client.host = Host(self._agenda, self._clock, list(RECOVERY), activities, Calm())
        billing = StripeBilling(stripe_client(settings.stripe), None)
        app = starter.assemble(settings, self.ledger, CaseGateway(cast(Any, connected)), billing, self._clock)
        transport = httpx2.ASGITransport(app)
        self._app = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:1", trust_env=False)

    def _begin(self) -> None:
        api = self.sandbox.client().v1
        month = {"interval": "month"}
        price = api.prices.create(
            {
                "product_data": {"name": "Team plan"},
                "currency": "eur",
                "unit_amount": 4900,
                "recurring": month,
            }
        )
        self._newest = self._http.get("/v1/events", params={"limit": 1}).json()["data"][0]["id"]
        self.lives = [self._life(number, post, api) for number, post in enumerate(self._posts)]
        self.began = self._clock.now() + timedelta(hours=3 + len(self.lives) / 500)
        while self._hour is not None and self.began.hour != self._hour:
            self.began = (self.began + timedelta(hours=1)).replace(minute=0, second=0, microsecond=0)
        for life in self.lives:
            life.begin(price.id, int(self.began.timestamp()))
        self._by_customer = {life.customer: life for life in self.lives}

    # -- time ----------------------------------------------------------------------------------------------------------

    def play(self, chapters: list[Chapter]) -> None:
        """Let everybody live through the chapters."""
        for chapter in chapters:
            end = self.began + timedelta(days=chapter.day)
            if chapter.is_heard:
                self._pass_until(end)
            self._move(end)
            for life in self.lives if chapter.act is not None else ():
                cast(Act, chapter.act)(life)
            if chapter.is_heard:
                self._stand()

    def _pass_until(self, end: datetime) -> None:
        while True:
            self._stand()
            coming = [self._agenda.next_at, self._next_event(), *self._arrivals()]
            due = min((moment for moment in coming if moment is not None), default=end)
            if due >= end:
                break
            self._move(min(max(due, self._clock.now()) + TICK, end))

    def _move(self, to: datetime) -> None:
        """Time passes, at Stripe and then here; nothing is left of the seconds that the deliveries before it took."""
        told = self.sandbox.control("clock", {"to": max(to.timestamp(), self._stripes_now() + 1)})
        self._clock.at = datetime.fromtimestamp(told["now"], UTC)

    def _stripes_now(self) -> float:
        return float(self.sandbox.control("clock")["now"])

    def _next_event(self) -> datetime | None:
        told = self.sandbox.control("clock")["next_event_at"]
        return None if told is None else datetime.fromtimestamp(told, UTC)

    def _arrivals(self) -> list[datetime]:
        return [min(at for at, _ in life.waiting) for life in self.lives if life.waiting]

    # -- the clock stands ----------------------------------------------------------------------------------------------

    def _stand(self) -> None:
        """Deliver and work until there is nothing left to do at this moment."""
        while True:
            self._collect()
            parcels = self._due_parcels()
            if not parcels and not self._work(None):
                return
            for life, event in parcels:
                self._deliver(event)
                self._work(None if life.post.in_order else life.post.dice.choice((0, 0, 1, 2, 5, None)))
            self._work(None)

    def _collect(self) -> None:
        told: dict[str, list[Event]] = defaultdict(list)
        for event in self._new_events():
            about = event["data"]["object"]
            customer = about["id"] if about["object"] == "customer" else about.get("customer")
            if customer in self._by_customer and event["type"] in SUBSCRIBED:
                told[customer].append(event)
                if about["object"] == "invoice":
                    self._by_customer[customer].invoices.add(about["id"])
        for customer, events in told.items():
            life = self._by_customer[customer]
            life.waiting += life.post.copies(events, self._clock.now())

    def _new_events(self) -> Iterator[Event]:
        """What Stripe has told since the last time, oldest first, exactly as it would send it."""
        while True:
            query = {"limit": "100", "ending_before": self._newest}
            page = self._http.get("/v1/events", params=query).json()
            yield from page["data"][::-1]
            if page["data"]:
                self._newest = page["data"][0]["id"]
            if not page["has_more"]:
                return

    def _due_parcels(self) -> list[tuple[Life, Event]]:
        """What has arrived by now: everybody's in its order, everybody's among the others'."""
        now, queues = self._clock.now(), []
        for life in self.lives:
            due = [(at, event) for at, event in life.waiting if at <= now]
            life.waiting = [(at, event) for at, event in life.waiting if at > now]
            queues.append([(life, event) for _, event in due])
        first, dice = queues[0], random.Random(len(queues))
        turns = [number for number, queue in enumerate(queues[1:]) for _ in queue]
        dice.shuffle(turns)
        rest = [iter(queue) for queue in queues[1:]]
        return [*first, *(next(rest[number]) for number in turns)]

    def _work(self, most: int | None) -> int:
        """Have the worker do so many of the things that are due; all of them where there is no number."""
        done = 0
        while done != most and (due := self._agenda.next_at) is not None and due <= self._clock.now():
            self._agenda.take()[1]()
            done += 1
        return done

    def _deliver(self, event: Event) -> None:
        body = json.dumps(event).encode()
        headers = {"stripe-signature": sign(body, WEBHOOK_SECRET, self._clock.now())}
        answer = self._loop.run(self._app.post("/webhooks/stripe", content=body, headers=headers))
        self.statuses[answer.status_code] += 1
        self.deliveries += 1


def count_sent(theatre: Theatre, monkeypatch: Any) -> None:
    """Count every mail that is handed over, also one that the outbox would know again."""
    original = OutboxSender.send

    def send(self: OutboxSender, mime: bytes, **told: Any) -> Any:
        theatre.sent.append((told["recipient"], str(told["tags"].get("template"))))
        return original(self, mime, **told)

    monkeypatch.setattr(OutboxSender, "send", send)
