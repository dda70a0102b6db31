"""A batch: many runs side by side in one world, each with a customer and cards of its own, in one virtual time."""

from __future__ import annotations

import asyncio
import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, cast

import httpx2
import yaml
from pydantic import HttpUrl, SecretStr
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

import starter
import worker
from activities.contracts import Activity, CaseView, OperatorRequest, PauseUntil
from activities.sweep_contracts import RECONCILE_WORKFLOW, StartSweep
from recoup.billing import stripe_client
from recoup.chaos.agenda import Agenda
from recoup.chaos.client import HostClient
from recoup.chaos.faults import Fault, Story
from recoup.chaos.host import LOST_AFTER, Host, Try, WorkerDied
from recoup.chaos.people import People
from recoup.chaos.plan import RunPlan
from recoup.chaos.post import Event, Post
from recoup.chaos.runs import Played, Run
from recoup.chaos.sandbox import Stripe, running_stripe
from recoup.chaos.weather import Acting, Answer, Weather
from recoup.chaos.world import world_of
from recoup.clock import FileClock
from recoup.demo.company import Company
from recoup.ledger import Ledger
from recoup.messages import MailSettings
from recoup.rules.case import Stage
from recoup.rules.policy import Policy
from recoup.settings import AccessSettings, Settings, StarterSettings, StripeSettings
from recoup.temporal.gateway import CaseGateway
from recoup.temporal.ids import recovery_workflow_id
from recoup.web.stripe_side import StripeBilling
from recoup.web.webhooks.signature import sign
from recoup.worlds import load_world

API_KEY = "sk_test_chaos_of_recoup"
# Everything here listens on this machine alone and is gone in a minute.
WEBHOOK_SECRET = "whsec_chaos_of_recoup_not_a_secret"  # noqa: S105
LINK_SECRET = "chaos-of-recoup-not-a-secret"  # noqa: S105
ACCESS_SECRET = "whsec_Y2hhb3Mgb2YgcmVjb3VwLCBub3QgYSBzZWNyZXQ="  # noqa: S105

SWEEPS_ON_DAYS = (1, 12, 28)
HORIZON = timedelta(days=120)
"""What has not ended then never will."""
MOST_RESUMES = 5
"""So often an operator looks at a case that waits for a person."""
RACE_SECONDS = 0.6
"""How long the bank thinks while the customer pays at the same moment."""
DELIVERED_WITHIN = (60.0, 480.0)
"""Virtual seconds after which a request that timed out is executed all the same; below Recoup's ten quiet minutes."""


class Batch:
    """Plays some runs to their end."""

    def __init__(self, directory: Path, plans: Sequence[RunPlan], *, invoice_lock: bool = True) -> None:
        self._directory = directory
        self._switches = {"invoice_lock": "on" if invoice_lock else "off", "final_action": "cancel"}
        self.runs = {plan.key: Run(plan) for plan in plans}
        self._by_customer: dict[str, Run] = {}
        self._by_invoice: dict[str, Run] = {}
        self._clock = FileClock(directory / "clock")
        self._agenda = Agenda()
        self._weather = Weather(self._clock, self)
        self._loop = asyncio.Runner()
        self._resumed: dict[str, int] = {}
        self._next_event: datetime | None = None

    @contextmanager
    def played(self) -> Iterator[Played]:
        """Play all runs to their end; what they left can be looked at inside."""
        self._directory.mkdir(parents=True, exist_ok=True)
        world_file = self._directory / "world.yaml"
        world_file.write_text(world_of([run.plan for run in self.runs.values()]))
        with ExitStack() as stack:
            self._stripe: Stripe = stack.enter_context(
                running_stripe(self._directory, world_file, self._directory / "clock", self._switches)
            )
            self._company = Company(ACCESS_SECRET, self._directory / "clock")
            self._company.start()
            stack.callback(self._company.stop)
            settings = self._settings()
            self._ledger = Ledger.connect(settings.database_url)
            stack.callback(self._ledger.close)
            stack.callback(self._loop.close)
            self._ledger.migrate()
            stack.enter_context(self._weather.installed())
            self._compose(settings)
            self._seed(world_file)
            self._play()
            yield Played(
                list(self.runs.values()),
                self._ledger,
                self._left_running() | self._host.problems,
                self._stripe.control("GET", "books"),
                self._stripe.all("/v1/charges", API_KEY),
            )

    # -- setting the stage ---------------------------------------------------------------------------------------------

    def _settings(self) -> Settings:
        directory = self._directory
        policy = directory / "policy.yaml"
        policy.write_text(yaml.safe_dump(Policy(version=1).model_dump(mode="json")))
        return Settings.model_construct(
            stripe=StripeSettings(
                api_key=SecretStr(API_KEY),
                api_base=self._stripe.address,
                webhook_secrets=(SecretStr(WEBHOOK_SECRET),),
                timeout_seconds=30,
                sweep_requests_per_second=100,
            ),
            access=AccessSettings(
                webhook_url=HttpUrl(self._company.url), webhook_secret=SecretStr(ACCESS_SECRET)
            ),
            starter=StarterSettings(),
            mail=MailSettings(outbox=directory / "outbox", company="Northwind"),
            database_url=f"sqlite:///{directory / 'recoup.db'}",
            policy_file=policy,
            public_url="http://127.0.0.1:1",
            link_secrets=(SecretStr(LINK_SECRET),),
            clock_file=directory / "clock",
        )

    def _compose(self, settings: Settings) -> None:
        """The worker's activities and the starter's app, as their processes put them together."""
        client = HostClient(None, self._before_temporal, self._after_temporal)  # type: ignore[arg-type]

        async def connected() -> HostClient:
            return client

        found = worker.build_activities(settings, self._ledger, cast(Client, connected))
        self._host = client.host = Host(self._agenda, self._clock, worker.WORKFLOWS, found, self)
        api = stripe_client(settings.stripe)
        gateway = CaseGateway(cast(Any, connected))
        app = starter.assemble(settings, self._ledger, gateway, StripeBilling(api, None), self._clock)
        self._app = httpx2.AsyncClient(
            transport=httpx2.ASGITransport(app), base_url="http://127.0.0.1:1", trust_env=False
        )
        self._api = api

    def _seed(self, world_file: Path) -> None:
        told = self._stripe.control("POST", "seed", {})
        for key, person in told["customers"].items():
            run = self.runs[key]
            run.customer, run.subscriptions = person["customer"], tuple(person["subscriptions"])
            self._by_customer[run.customer] = run
        began = self._clock.now()
        self._people = People(self._api, load_world(world_file), began)
        self._post = Post(self._stripe, API_KEY, self._agenda, self._clock, self._run_of_event, self._take)
        for day in SWEEPS_ON_DAYS:
            self._agenda.put(began + timedelta(days=day), "sweep", self._sweep)
        self._horizon = began + HORIZON

    # -- moving time ---------------------------------------------------------------------------------------------------

    def _play(self) -> None:
        self._next_event = self._stripe.next_event_at()
        swept = False
        while True:
            self._work_off()
            upcoming = self._upcoming()
            if upcoming is not None:
                self._next_event = self._stripe.move_to(upcoming)
                self._weather.offset = None
                self._post.collect()
            elif self._call_operators():
                swept = False
            elif not swept:
                swept = True
                self._sweep()
            else:
                return

    def _work_off(self) -> None:
        """Do all that is due now."""
        while True:
            if self._weather.changed:
                self._weather.changed = False
                self._post.collect()
                self._next_event = self._stripe.next_event_at()
            due = self._agenda.next_at
            if due is None or due > self._clock.now():
                return
            _, deed = self._agenda.take()
            deed()

    def _upcoming(self) -> datetime | None:
        event = self._next_event if self._next_event and self._next_event < self._horizon else None
        moments = [moment for moment in (self._agenda.next_at, event) if moment is not None]
        if not moments or min(moments) > self._horizon:
            return None
        return max(min(moments), self._clock.now())

    def _sweep(self) -> None:
        now = self._clock.now()
        self._host.start(f"sweep/{now.timestamp():.0f}", RECONCILE_WORKFLOW, StartSweep(by="chaos"))

    def _call_operators(self) -> bool:
        """Have somebody look at every case that waits for a person; False where nothing moved."""
        moved = False
        for id_, execution in list(self._host.executions.items()):
            if not execution.waits_for_nothing or not id_.startswith("recovery/"):
                continue
            view: CaseView = self._host.query(id_, "case", CaseView)
            if view.case.stage is not Stage.PERSON or self._resumed.get(id_, 0) >= MOST_RESUMES:
                continue
            self._resumed[id_] = self._resumed.get(id_, 0) + 1
            said = OperatorRequest(at=self._clock.now(), reason="looked at it", operator="chaos")
            if (refused := self._host.update(id_, "resume", said)) is None:
                moved = True
            else:
                self._run_of_workflow(id_).note("RESUME refused", why=refused)  # type: ignore[union-attr]
        return moved

    def _left_running(self) -> dict[str, str]:
        found = self._host.executions.items()
        return {id_: "it never ended" for id_, execution in found if execution.is_running}

    # -- what the host asks --------------------------------------------------------------------------------------------

    def before(self, this: Try) -> timedelta | None:
        """A try begins, unless no worker is there for the run."""
        run = self._run_of_workflow(this.workflow_id)
        if run is None:
            return None
        now = self._clock.now()
        if run.away_until is None and run.strikes(Fault.WORKER_AWAY):
            dice = random.Random(f"{run.plan.seed}/away/{this.attempt}")  # noqa: S311 - repeated
            run.away_until = now + timedelta(hours=dice.uniform(0.3, 14))
        if run.away_until is not None:
            wait, run.away_until = run.away_until - now, None
            if wait > timedelta(0):
                return wait
        if this.activity == Activity.ATTEMPT and this.attempt == 1:
            self._before_read(run, this.argument.invoice)
        return None

    @contextmanager
    def doing(self, this: Try) -> Iterator[None]:
        """A try is under way: what happens meanwhile happens to its run."""
        run = self._run_of_workflow(this.workflow_id)
        if run is None:
            with self._weather.over(None):
                yield
            return
        run.note("TRY", at=self._clock.now(), activity=this.activity, attempt=this.attempt)
        invoice = getattr(this.argument, "invoice", None)
        acting = Acting(run, True, this, disputed=invoice in run.disputed)
        with self._weather.over(acting):
            try:
                yield
            except Exception as error:
                run.note("ERROR", error=error)
                raise

    def after(self, this: Try) -> timedelta | None:
        """Whether the result of a try never arrives."""
        run = self._run_of_workflow(this.workflow_id)
        return LOST_AFTER if run is not None and run.strikes(Fault.RESULT_LOST) else None

    def died(self, this: Try) -> timedelta:
        """The worker died: its memory is gone, another takes over."""
        run = self._run_of_workflow(this.workflow_id)
        if run is None:
            return LOST_AFTER
        run.note("WORKER DIED")
        for id_, execution in self._host.executions.items():
            if execution.is_running and self._run_of_workflow(id_) is run:
                self._host.forget(id_)
        return LOST_AFTER

    def continues_as_new(self, workflow_id: str) -> bool:
        """Whether Temporal suggests it."""
        run = self._run_of_workflow(workflow_id) if workflow_id.startswith("recovery/") else None
        return run is not None and run.strikes(Fault.CONTINUED)

    def _before_read(self, run: Run, invoice: str) -> None:
        for fault in (
            Fault.PAID_BEFORE_READ,
            Fault.CANCELLED_BEFORE_READ,
            Fault.VOIDED_BEFORE_READ,
            Fault.CREDITED_BEFORE_READ,
        ):
            if run.strikes(fault):
                dice = random.Random(f"{run.plan.seed}/late")  # noqa: S311 - repeated
                run.post_late_until = self._clock.now() + timedelta(hours=dice.uniform(1, 6))
                self._people.do(run, fault, invoice)

    # -- what the faults ask -------------------------------------------------------------------------------------------

    def at_the_worst_moment(self, run: Run, fault: Fault, invoice: str) -> None:
        """Somebody acts between our read and our charge."""
        with self._weather.over(None):
            if fault is Fault.DISPUTED_BETWEEN:
                self._dispute(run)
            else:
                self._people.do(run, fault, invoice)

    def race(self, run: Run, invoice: str, pay: Callable[[], Answer]) -> Answer:
        """The customer pays while the bank thinks about our charge."""
        self._stripe.control("POST", "switches", {"issuer_seconds": RACE_SECONDS})
        paid = run.customer_paid[invoice]

        def customer() -> None:
            time.sleep(RACE_SECONDS / 10)
            self._people.do(run, Fault.PAID_BETWEEN, invoice)

        acting = self._weather.acting
        link_first = threading.Thread(target=customer)
        try:
            with self._weather.over(None):
                link_first.start()
                answer = pay()
                link_first.join()
        finally:
            self._stripe.control("POST", "switches", {"issuer_seconds": 0})
        assert acting is not None
        if run.customer_paid[invoice] > paid:
            run.raced.add(invoice)
        return answer

    def try_elsewhere(self, this: Try) -> None:
        """Another worker was given the same try, because this one seemed dead."""
        with suppress(Exception, WorkerDied):
            self._host.perform(Try(this.workflow_id, this.activity, this.argument, this.attempt + 1))

    def deliver_later(self, run: Run, request: Callable[[], Answer]) -> None:
        """A request that timed out is executed minutes later."""
        dice = random.Random(f"{run.plan.seed}/{len(run.sent)}")  # noqa: S311 - repeated
        wait = timedelta(seconds=dice.uniform(*DELIVERED_WITHIN))

        def deliver() -> None:
            with self._weather.over(None), suppress(Exception):
                run.note("EXECUTED LATE", status=request()[1])

        self._agenda.put(self._clock.now() + wait, "a request that timed out", deliver)

    def fail_after(self, path: str, times: int) -> None:
        """The next requests of this path are executed, and answered with a stored 500."""
        self._stripe.control("POST", "faults", {"fault": "error_after", "path": path, "count": times})

    def _before_temporal(self) -> None:
        acting = self._weather.acting
        if acting is not None and acting.run.strikes(Fault.TEMPORAL_AWAY):
            raise RPCError("unavailable", RPCStatusCode.UNAVAILABLE, b"")

    def _after_temporal(self) -> None:
        acting = self._weather.acting
        if acting is not None and not acting.is_worker and acting.run.strikes(Fault.STARTER_DIED):
            raise WorkerDied

    # -- customers and operators ---------------------------------------------------------------------------------------

    def _dispute(self, run: Run) -> None:
        older = self._people.dispute(run)
        book = next(each for each in self._stripe.control("GET", "books") if each["id"] == older)
        self._stripe.control("POST", "disputes", {"charge": book["successful_charges"][0]})
        run.note("DONE", fault=Fault.DISPUTED_BETWEEN)

    def _first_failure(self, run: Run) -> None:
        """The renewal has just failed: what the customer and the operators have in mind gets its moment."""
        now, plan = self._clock.now(), run.plan
        acts: dict[Story, Callable[[], None]] = {
            Story.NEW_CARD: lambda: self._people.change_card(run),
            Story.COMES_BACK: lambda: self._people.change_card(run),
            Story.PAYS: lambda: self._pay_all(run),
            Story.CANCELS: lambda: self._people.cancel(run),
        }
        if plan.story in acts:
            at = now + timedelta(days=plan.acts_after_days)
            self._agenda.put(at, f"customer {plan.story}", lambda: self._act(run, acts[plan.story]))
        dice = random.Random(f"{plan.seed}/operators")  # noqa: S311 - repeated
        for fault in (Fault.RETRY_NOW, Fault.PAUSED, Fault.STOPPED, Fault.MARKED_PAID):
            if run.has(fault):
                at = now + timedelta(days=dice.uniform(0.2, 6))
                self._agenda.put(at, fault, partial(self._operate, run, fault))

    def _act(self, run: Run, act: Callable[[], None]) -> None:
        run.note("CUSTOMER", at=self._clock.now(), story=run.plan.story)
        with self._weather.over(None), suppress(Exception):
            act()

    def _pay_all(self, run: Run) -> None:
        for invoice in sorted(run.invoices):
            self._people.do(run, Fault.PAID_BETWEEN, invoice)

    def _operate(self, run: Run, fault: Fault) -> None:
        now = self._clock.now()
        for invoice in sorted(run.invoices):
            said: Any = OperatorRequest(at=now, reason="chaos", operator="chaos")
            name = {
                Fault.RETRY_NOW: "retry_now",
                Fault.STOPPED: "stop",
                Fault.MARKED_PAID: "mark_paid_outside",
            }
            if fault is Fault.PAUSED:
                said = PauseUntil(at=now, until=now + timedelta(days=3), reason="chaos", operator="chaos")
            refused = self._host.update(recovery_workflow_id(invoice), name.get(fault, "pause_until"), said)
            run.note("OPERATOR", at=now, fault=fault, refused=refused)
            if refused is None:
                run.hits[fault] = 1

    # -- the starter ---------------------------------------------------------------------------------------------------

    def _take(self, body: bytes, run: Run | None) -> bool:
        """Give a webhook to the starter; whether it was acknowledged."""
        headers = {"stripe-signature": sign(body, WEBHOOK_SECRET, self._clock.now())}
        acting = Acting(run, False) if run is not None else None
        with self._weather.over(acting) if acting else nullcontext():
            try:
                answer = self._loop.run(self._app.post("/webhooks/stripe", content=body, headers=headers))
            except BaseException as error:
                if isinstance(error, KeyboardInterrupt | SystemExit):
                    raise
                if run is not None:
                    run.note("STARTER DIED", error=type(error).__name__)
                return False
        if answer.is_success and run is not None and b'"charge.dispute.created"' in body:
            run.disputed |= {case.invoice for case in self._ledger.cases.open_of_customer(run.customer)}
        return answer.is_success

    def _run_of_event(self, event: Event) -> Run | None:
        about = event["data"]["object"]
        customer = about["id"] if about.get("object") == "customer" else about.get("customer")
        if customer is None and event["type"].startswith("charge.dispute"):
            customer = self._customer_of_charge(about["charge"])
        run = self._by_customer.get(customer or "")
        if run is None:
            return None
        if about.get("object") == "invoice" and event["type"] == "invoice.payment_failed":
            first = not run.invoices
            run.invoices.add(about["id"])
            self._by_invoice[about["id"]] = run
            if first:
                self._first_failure(run)
        return run

    def _customer_of_charge(self, charge: str) -> str | None:
        found: str | None = self._stripe.api(f"/v1/charges/{charge}", API_KEY).get("customer")
        return found

    def _run_of_workflow(self, workflow_id: str) -> Run | None:
        kind, _, rest = workflow_id.partition("/")
        if kind == "recovery":
            return self._by_invoice.get(rest.partition("/")[0])
        if kind == "card-update":
            return self._by_customer.get(rest.partition("/")[0])
        return None
