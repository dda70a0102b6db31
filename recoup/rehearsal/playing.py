"""Playing a scenario: the real workflows, activities and web app against a Stripe on this machine, with skipped time."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from stripe import StripeClient

from recoup.billing import stripe_client
from recoup.clock import FileClock
from recoup.demo.browsing import Browser
from recoup.demo.company import Company, Product
from recoup.demo.control import Seeded
from recoup.demo.people import People
from recoup.ledger import Ledger
from recoup.messages import Outbox
from recoup.policy.file import LoadedPolicy
from recoup.rehearsal.cast import Cast, Deed
from recoup.rehearsal.scenario import Scenario
from recoup.virtual.agenda import Agenda
from recoup.virtual.client import HostClient
from recoup.virtual.host import LOST_AFTER, Host, Try
from recoup.virtual.moving import Mover
from recoup.virtual.news import SUBSCRIBED, Event, Intake, News
from recoup.virtual.product import (
    ACCESS_SECRET,
    API_KEY,
    STARTER,
    WORKFLOWS,
    build_activities,
    build_starter,
    settings_of,
)
from recoup.virtual.stripe import running_stripe

HORIZON = timedelta(days=400)
"""What has not ended then is told as it stands."""
AGAIN_AFTER = timedelta(minutes=5)
"""When a webhook that was not acknowledged is sent again."""


@dataclass(frozen=True)
class Played:
    """What a scenario left behind; it can be looked at until the block ends."""

    scenario: Scenario
    policy: LoadedPolicy
    seeded: Seeded
    ledger: Ledger
    outbox: Outbox
    company: Company
    books: list[dict[str, Any]]
    deeds: list[Deed]
    stuck: list[str]
    problems: dict[str, str]
    """Workflows that could not go on, by id, and why."""
    began: datetime
    ended: datetime


class Calm:
    """Nothing goes wrong around the tries (:class:`recoup.virtual.host.Surroundings`); what may have changed is noted."""

    def __init__(self) -> None:
        self._changed = True

    def before(self, _: Try) -> timedelta | None:
        """A worker is there."""
        return None

    def doing(self, _: Try) -> AbstractContextManager[None]:
        """An activity may change something at Stripe."""
        self.disturb()
        return nullcontext()

    def after(self, _: Try) -> timedelta | None:
        """Every result arrives."""
        return None

    def died(self, _: Try) -> timedelta:
        """No worker dies here."""
        return LOST_AFTER

    def continues_as_new(self, _: str) -> bool:
        """Histories are short enough."""
        return False

    def disturb(self) -> None:
        """Something may have changed at Stripe."""
        self._changed = True

    def changed(self) -> bool:
        """Whether it may have, since this was asked last."""
        changed, self._changed = self._changed, False
        return changed


class Rehearsal:
    """Plays one scenario in a directory of its own."""

    def __init__(self, directory: Path, scenario: Scenario, policy: LoadedPolicy) -> None:
        self._directory = directory
        self._scenario = scenario
        self._policy = policy
        self._calm = Calm()

    @contextmanager
    def played(self) -> Iterator[Played]:
        """Play it to its end."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._set(stack)
            self._play()
            books = self._stripe.control("GET", "books")
            yield Played(
                self._scenario, self._policy, self._seeded, self._ledger, self._outbox, self._company, books,
                self._cast.deeds, self._people.stuck, self._host.problems, self._seeded.start, self._clock.now(),
            )  # fmt: skip

    # -- setting the stage ---------------------------------------------------------------------------------------------

    def _set(self, stack: ExitStack) -> None:
        clock_file, world_file = self._directory / "clock", self._directory / "world.yaml"
        world_file.write_text(self._scenario.world_text, encoding="utf-8")
        self._stripe = stack.enter_context(running_stripe(self._directory, world_file, clock_file, {}))
        self._company = Company(ACCESS_SECRET, clock_file)
        self._company.start()
        stack.callback(self._company.stop)
        settings = settings_of(self._directory, self._stripe.address, self._company.url, self._policy.policy)
        self._ledger = Ledger.connect(settings.database_url)
        stack.callback(self._ledger.close)
        self._ledger.migrate()
        self._clock, self._agenda = FileClock(clock_file), Agenda()
        self._outbox = Outbox(settings.mail.outbox)
        client = HostClient(None, lambda: None, self._calm.disturb)  # type: ignore[arg-type]  # its host comes next
        activities = build_activities(settings, self._ledger, client)
        self._host = client.host = Host(self._agenda, self._clock, WORKFLOWS, activities, self._calm)
        api = stripe_client(settings.stripe)
        app = build_starter(settings, self._ledger, client, api, self._clock)
        self._intake = Intake(app, self._clock)
        stack.callback(self._intake.close)
        self._news = News(self._stripe, API_KEY)
        self._mover = Mover(self._stripe, self._agenda, self._clock, self._collect, self._calm.changed)
        self._fill(api, partial(Browser, {STARTER: app}))

    def _fill(self, api: StripeClient, browse: Callable[[], Browser]) -> None:
        """Make the customers, and everybody who acts."""
        made = self._stripe.control("POST", "seed", {})
        people = made["customers"].items()
        self._seeded = Seeded(
            start=datetime.fromtimestamp(made["start"], UTC),
            customers={key: each["customer"] for key, each in people},
            subscriptions={key: tuple(each["subscriptions"]) for key, each in people},
        )
        methods = {key: each["payment_method"] for key, each in people}
        scenario, seeded, ledger = self._scenario, self._seeded, self._ledger
        self._people = People(scenario, seeded, self._outbox, ledger, Product(api), STARTER, browse)
        self._cast = Cast(scenario, seeded, methods, self._people, ledger, self._stripe, self._host)

    # -- moving time ---------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        horizon = self._seeded.start + HORIZON
        self._mover.look()
        while True:
            self._mover.work_off()
            act_at = self._cast.next_at
            upcoming = None if self._is_over(act_at) else self._mover.upcoming(horizon, act_at)
            if upcoming is None:
                return
            self._mover.look(upcoming)
            if act_at is not None and act_at <= self._clock.now():
                self._mover.work_off()
                self._cast.act(self._clock.now())
                self._calm.disturb()

    def _is_over(self, act_at: datetime | None) -> bool:
        """Whether only the next renewals are left, or a person who never comes."""
        if act_at is not None or (
            self._agenda.next_at is not None and self._agenda.next_at <= self._clock.now()
        ):
            return False
        running = [each for each in self._host.executions.values() if each.is_running]
        return self._clock.now() > self._quiet_after and all(each.waits_for_nothing for each in running)

    @property
    def _quiet_after(self) -> datetime:
        """Before this moment a first payment may still fail."""
        renewals = [
            each.renews_in.length
            for customer in self._scenario.customers.values()
            for each in customer.subscriptions
        ]
        settling = [debit.settles_after.length for debit in self._scenario.debits.values()]
        return self._seeded.start + max(renewals) + max(settling, default=timedelta(0)) + timedelta(hours=2)

    def _collect(self, newest: str | None) -> None:
        for event in self._news.up_to(newest):
            if event["type"] in SUBSCRIBED:
                self._agenda.put(self._clock.now(), event["type"], partial(self._deliver, event))

    def _deliver(self, event: Event) -> None:
        self._calm.disturb()
        if not self._intake.take(json.dumps(event).encode()):
            again = self._clock.now() + AGAIN_AFTER
            self._agenda.put(again, event["type"], partial(self._deliver, event))
