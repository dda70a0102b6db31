"""A batch: many runs side by side in one world, each with a customer and cards of its own, in one virtual time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from pathlib import Path

from activities.sweep_contracts import RECONCILE_WORKFLOW, StartSweep
from recoup.billing import stripe_client
from recoup.chaos.backstage import Backstage
from recoup.chaos.door import Door
from recoup.chaos.moments import Moments
from recoup.chaos.people import People
from recoup.chaos.plan import RunPlan, Setting
from recoup.chaos.post import Post
from recoup.chaos.runs import Played, Roster
from recoup.chaos.scene import Scene
from recoup.chaos.stories import Stories
from recoup.chaos.weather import Weather
from recoup.chaos.world import world_of
from recoup.clock import FileClock
from recoup.demo.company import Company
from recoup.ledger import Ledger
from recoup.rules.policy import Campaign, Policy, Retries, RetryMode
from recoup.settings import Settings
from recoup.virtual.agenda import Agenda
from recoup.virtual.client import HostClient
from recoup.virtual.host import Host
from recoup.virtual.moving import Endless, Mover
from recoup.virtual.news import News
from recoup.virtual.product import (
    ACCESS_SECRET,
    API_KEY,
    WORKFLOWS,
    build_activities,
    build_starter,
    settings_of,
)
from recoup.virtual.stripe import running_stripe
from recoup.worlds import load_world

SWEEPS_ON_DAYS = (1, 12, 28)
PLAIN = Setting()
HORIZON = timedelta(days=120)
"""What has not ended then never will."""


class Batch:
    """Plays some runs to their end."""

    def __init__(self, directory: Path, plans: Sequence[RunPlan], setting: Setting = PLAIN) -> None:
        self._directory = directory
        self._plans = plans
        campaign = Campaign(retries=Retries(mode=setting.mode))
        self._policy = Policy(version=1, campaigns=(campaign,))
        self._switches = {
            "invoice_lock": "on" if setting.invoice_lock else "off",
            "final_action": "past_due" if setting.mode is RetryMode.OBSERVE else "cancel",
        }

    @contextmanager
    def played(self) -> Iterator[Played]:
        """Play all runs to their end; what they left can be looked at inside."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with ExitStack() as stack:
            self._set(stack)
            self._seed()
            # What goes round in a circle is found as stuck: its cases never ended.
            with suppress(Endless):
                self._play()
            host = self._scene.host
            left = {id_: "it never ended" for id_, each in host.executions.items() if each.is_running}
            yield Played(
                list(self._scene.roster),
                self._scene.ledger,
                left | host.problems,
                self._scene.stripe.control("GET", "books"),
                self._scene.stripe.all("/v1/charges", API_KEY),
            )

    # -- setting the stage ---------------------------------------------------------------------------------------------

    def _set(self, stack: ExitStack) -> None:
        """Start what stands beside the product, then put the product and its faults together."""
        clock_file, world_file = self._directory / "clock", self._directory / "world.yaml"
        world_file.write_text(world_of(self._plans))
        stripe = stack.enter_context(running_stripe(self._directory, world_file, clock_file, self._switches))
        company = Company(ACCESS_SECRET, clock_file)
        company.start()
        stack.callback(company.stop)
        settings = settings_of(self._directory, stripe.address, company.url, self._policy)
        ledger = Ledger.connect(settings.database_url)
        stack.callback(ledger.close)
        ledger.migrate()
        clock = FileClock(clock_file)
        people = People(stripe_client(settings.stripe), load_world(world_file), clock.now())
        self._scene = Scene(Roster(self._plans), clock, Agenda(), stripe, people, ledger)
        self._weather = Weather(clock, Moments(self._scene))
        stack.enter_context(self._weather.installed())
        self._compose(settings, stack)

    def _compose(self, settings: Settings, stack: ExitStack) -> None:
        scene, weather = self._scene, self._weather
        backstage = Backstage(scene, weather)
        client = HostClient(None, backstage.before_temporal, backstage.after_temporal)  # type: ignore[arg-type]
        found = build_activities(settings, scene.ledger, client)
        scene.host = client.host = Host(scene.agenda, scene.clock, WORKFLOWS, found, backstage)
        self._stories = Stories(scene, weather)
        app = build_starter(settings, scene.ledger, client, scene.people.client, scene.clock)
        door = Door(scene, weather, self._stories, app)
        stack.callback(door.close)
        news = News(scene.stripe, API_KEY)
        self._post = Post(news, scene.agenda, scene.clock, door.run_of, door.take)
        self._mover = Mover(scene.stripe, scene.agenda, scene.clock, self._collect, weather.changed_since)

    def _seed(self) -> None:
        """Make the customers, and note when the sweeps are and when all must be over."""
        for key, person in self._scene.stripe.control("POST", "seed", {})["customers"].items():
            self._scene.roster.seeded(key, person["customer"], person["subscriptions"])
        began = self._scene.clock.now()
        for day in SWEEPS_ON_DAYS:
            self._scene.agenda.put(began + timedelta(days=day), "sweep", self._sweep)
        self._horizon = began + HORIZON

    # -- moving time ---------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        mover = self._mover
        mover.look()
        swept = False
        while True:
            mover.work_off()
            upcoming = mover.upcoming(self._horizon)
            if upcoming is not None:
                mover.look(upcoming)
            elif self._stories.call_operators():
                swept = False
            elif not swept:
                swept = True
                self._sweep()
            else:
                return

    def _collect(self, newest: str | None) -> None:
        self._weather.offset = None
        self._post.collect(newest)

    def _sweep(self) -> None:
        now = self._scene.clock.now()
        self._scene.host.start(f"sweep/{now.timestamp():.0f}", RECONCILE_WORKFLOW, StartSweep(by="chaos"))
