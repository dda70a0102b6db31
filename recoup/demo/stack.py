"""The whole of Recoup on one machine: Temporal, a Stripe, a worker, a starter, and the company's own backend.

Every process is the real one, configured by its environment alone; none of them knows that it is part of a demo.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import httpx2
import temporalio.api.enums.v1 as enums
import temporalio.api.taskqueue.v1 as taskqueue_api
import temporalio.api.workflowservice.v1 as workflow_api
from pydantic import BaseModel, HttpUrl, SecretStr
from temporalio.client import Client
from temporalio.service import RPCError

import recoup
from activities.contracts import TASK_QUEUE
from recoup.demo import _policy
from recoup.demo._children import Child, Watchdog
from recoup.demo._orphans import release_orphans
from recoup.demo._temporal_server import server_command, temporal_program
from recoup.demo.company import Company
from recoup.demo.control import SandboxControl
from recoup.demo.ports import free_ports
from recoup.errors import ConnectionFailed, RecoupError
from recoup.messages import MailSettings
from recoup.settings import (
    PREFIX,
    AccessSettings,
    Settings,
    StarterSettings,
    StripeSettings,
    TemporalSettings,
)
from recoup.temporal.connection import connect

NAMESPACE = "recoup"
COMPANY = "Northwind"
API_KEY = "sk_test_demo_of_recoup"
# Everything here listens on this machine alone and is gone in a minute.
WEBHOOK_SECRET = "whsec_demo_of_recoup_not_a_secret"  # noqa: S105
LINK_SECRET = "demo-of-recoup-not-a-secret"  # noqa: S105
ACCESS_SECRET = "whsec_ZGVtbyBvZiByZWNvdXAsIG5vdCBhIHNlY3JldA=="  # noqa: S105

READY_SECONDS = 60.0
"""How long a process may take to answer on a busy machine."""
_FOREIGN = ("RECOUP_", "TEMPORAL_", "STRIPE_", "AWS_")
_PROXIES = {"http_proxy", "https_proxy", "all_proxy"}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a stack is made of."""

    directory: Path
    """Where everything it writes goes."""
    world: Path
    policy: Path | None = None
    """None takes the policy that Recoup ships with."""
    worker: Sequence[str] = ("-m", "worker")
    """How Python is told to be the worker; tests put one in that dies on request."""
    keep_temporal: bool = False
    """Keep Temporal's state in a file of the directory instead of in memory."""
    switches: Mapping[str, str] = field(default_factory=dict)
    """Switches of the sandbox."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """More for the environment of worker and starter."""


class Stack:
    """Starts, stops and kills the processes, each for itself or all together."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self._temporal_port, self._ui_port, self._sandbox_port, self._starter_port = free_ports(4)
        self.company = Company(ACCESS_SECRET, plan.directory / "clock")
        self.settings = self._settings()
        self.control = SandboxControl(self.sandbox_url)
        self._watchdog: Watchdog | None = None
        self._children: dict[str, Child] = {}
        self._client: Client | None = None

    # -- where things are ------------------------------------------------------------------------------------------

    @property
    def client(self) -> Client:
        """The connection to Temporal."""
        if self._client is None:
            raise RuntimeError("the stack has not been started")
        return self._client

    @property
    def sandbox_url(self) -> str:
        """Where the Stripe of this stack is."""
        return f"http://127.0.0.1:{self._sandbox_port}"

    @property
    def starter_url(self) -> str:
        """Where webhooks and customers arrive."""
        return f"http://127.0.0.1:{self._starter_port}"

    @property
    def cases_url(self) -> str:
        """The list of cases in the Temporal UI."""
        return f"http://127.0.0.1:{self._ui_port}/namespaces/{NAMESPACE}/workflows"

    @property
    def environment(self) -> dict[str, str]:
        """The environment in which worker, starter and ``recoup`` commands belong to this stack."""
        kept = {
            name: value
            for name, value in os.environ.items()
            if not name.upper().startswith(_FOREIGN) and name.lower() not in _PROXIES
        }
        product = str(Path(recoup.__file__).resolve().parents[1])
        path = os.pathsep.join([product, *filter(None, [os.environ.get("PYTHONPATH")])])
        return {**kept, "PYTHONPATH": path, **_variables(self.settings), **self.plan.environment}

    def child(self, name: str) -> Child:
        """One of the processes: ``temporal``, ``sandbox``, ``worker``, ``starter``."""
        return self._children[name]

    # -- all together ----------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start everything and wait until it answers.

        Raises:
            RecoupError: something did not start; the sentence says what, and quotes it.
        """
        self.plan.directory.mkdir(parents=True, exist_ok=True)
        self.settings.policy_file.write_text(_policy.text_of(self.plan.policy), encoding="utf-8")
        self._watchdog = Watchdog()
        self.company.start()
        self._start_temporal()
        self.start_sandbox()
        self.start_starter()
        self._start_worker()
        await self._until_ready("temporal", self._temporal_answers)
        await self._until_ready("sandbox", self._sandbox_answers)
        await self._until_ready("starter", self._starter_answers)
        await self._until_ready("worker", self._worker_polls)

    async def stop(self) -> None:
        """Stop everything, the ones that need others first; safe to call at any time and twice."""
        children = [
            self._children[name]
            for name in ("starter", "worker", "sandbox", "temporal")
            if name in self._children
        ]
        for child in children[:2]:
            child.ask_to_stop()
        for child in children:
            await asyncio.to_thread(child.stop, 5.0)
        self._children.clear()
        self.company.stop()
        await self.control.close()
        if self._watchdog is not None:
            self._watchdog.close()
            self._watchdog = None

    def died(self) -> list[Child]:
        """The processes that ended without being told to."""
        return [child for child in self._children.values() if not child.is_alive]

    # -- one by one ------------------------------------------------------------------------------------------------

    async def start_worker(self) -> None:
        """Start the worker and wait until it works."""
        self._start_worker()
        await self._until_ready("worker", self._worker_polls)

    async def replace_worker(self) -> None:
        """Start the worker again after it died, and hand on at once what the dead one had in its hands."""
        dead = self._children["worker"].pid
        self._start_worker()
        await release_orphans(self.client, dead)

    def stop_worker(self) -> None:
        """Stop the worker in good order."""
        self._children["worker"].stop(30.0)

    def kill_worker(self) -> None:
        """Kill the worker with SIGKILL."""
        self._children["worker"].kill()

    def start_starter(self) -> None:
        """Start the starter; :meth:`start` waits for it."""
        self._start("starter", [sys.executable, "-m", "starter"])

    def kill_starter(self) -> None:
        """Kill the starter with SIGKILL."""
        self._children["starter"].kill()

    async def restart_starter(self) -> None:
        """Start the starter again after it died, and wait until it answers."""
        self.start_starter()
        await self._until_ready("starter", self._starter_answers)

    def kill_temporal(self) -> None:
        """Kill Temporal with SIGKILL; only a plan with ``keep_temporal`` has something left then."""
        self._children["temporal"].kill()

    async def restart_temporal(self) -> None:
        """Start Temporal again on the state it had, and wait until it answers."""
        self._start_temporal()
        await self._until_ready("temporal", self._temporal_answers)

    def start_sandbox(self) -> None:
        """Start the sandbox, on the state it had if there is one."""
        command = [
            sys.executable, "-m", "recoup.sandbox", "--port", str(self._sandbox_port),
            "--data", str(self.plan.directory / "sandbox"), "--clock-file", str(self.settings.clock_file),
            "--world", str(self.plan.world.resolve()),
            "--webhook-url", f"{self.starter_url}/webhooks/stripe", "--webhook-secret", WEBHOOK_SECRET,
        ]  # fmt: skip
        for name, value in self.plan.switches.items():
            command += ["--switch", f"{name}={value}"]
        self._start("sandbox", command)

    def kill_sandbox(self) -> None:
        """Kill the sandbox with SIGKILL."""
        self._children["sandbox"].kill()

    # -- inside ----------------------------------------------------------------------------------------------------

    def _start_temporal(self) -> None:
        file = self.plan.directory / "temporal.db" if self.plan.keep_temporal else None
        self._start(
            "temporal",
            server_command(temporal_program(), NAMESPACE, self._temporal_port, self._ui_port, file),
        )

    def _start_worker(self) -> None:
        self._start("worker", [sys.executable, *self.plan.worker])

    def _start(self, name: str, command: Sequence[str]) -> None:
        if self._watchdog is None:
            raise RuntimeError("the stack has not been started")
        before = self._children.get(name)
        if before is not None and before.is_alive:
            raise RuntimeError(f"the {name} runs already")
        log = self.plan.directory / f"{name}.log"
        # The directory of the stack holds neither .env nor recoup.toml: nobody else's settings get in.
        self._children[name] = self._watchdog.start(
            name, command, log=log, environment=self.environment, cwd=self.plan.directory
        )

    async def _until_ready(self, name: str, answers: Callable[[], Awaitable[bool]]) -> None:
        child = self._children[name]
        try:
            async with asyncio.timeout(READY_SECONDS):
                while not await answers():
                    if not child.is_alive:
                        said = child.last_words()
                        raise ConnectionFailed(
                            f"The {name} ended with {child.exit_code} while it started:\n{said}"
                        )
                    await asyncio.sleep(0.05)
        except TimeoutError:
            raise ConnectionFailed(
                f"The {name} did not answer in {READY_SECONDS:.0f} s:\n{child.last_words()}"
            ) from None

    async def _temporal_answers(self) -> bool:
        if self._client is None:
            try:
                async with asyncio.timeout(2):
                    self._client = await connect(self.settings.temporal)
            except (RecoupError, TimeoutError):
                return False
        try:
            return await self._client.service_client.check_health() and await self._knows_namespace()
        except RPCError:
            return False

    async def _knows_namespace(self) -> bool:
        return (await self.client.count_workflows("RecoupStage IS NULL")).count >= 0

    async def _sandbox_answers(self) -> bool:
        try:
            await self.control.now()
        except ConnectionFailed:
            return False
        return True

    async def _starter_answers(self) -> bool:
        try:
            async with httpx2.AsyncClient(trust_env=False, timeout=5) as client:
                return (await client.get(f"{self.starter_url}/readyz")).is_success
        except httpx2.HTTPError:
            return False

    async def _worker_polls(self) -> bool:
        """Whether the worker that runs now asks for work of both kinds."""
        kinds = enums.TaskQueueType.TASK_QUEUE_TYPE_WORKFLOW, enums.TaskQueueType.TASK_QUEUE_TYPE_ACTIVITY
        for kind in kinds:
            request = workflow_api.DescribeTaskQueueRequest(
                namespace=NAMESPACE, task_queue=taskqueue_api.TaskQueue(name=TASK_QUEUE), task_queue_type=kind
            )
            told = await self.client.workflow_service.describe_task_queue(request)
            if not any(self._is_of_worker(poller.identity) for poller in told.pollers):
                return False
        return True

    def _is_of_worker(self, identity: str) -> bool:
        """Whether a poller, ``pid@host``, belongs to the worker's process group and not to one before it."""
        try:
            return os.getpgid(int(identity.partition("@")[0])) == self._children["worker"].pid
        except (ValueError, ProcessLookupError):
            return False

    def _settings(self) -> Settings:
        """The settings under which everything here runs; no file and no variable of the caller's counts."""
        directory = self.plan.directory
        return Settings.model_construct(
            stripe=StripeSettings(
                api_key=SecretStr(API_KEY),
                api_base=self.sandbox_url,
                webhook_secrets=(SecretStr(WEBHOOK_SECRET),),
            ),
            temporal=TemporalSettings(
                address=f"127.0.0.1:{self._temporal_port}",
                namespace=NAMESPACE,
                ui_url=f"http://127.0.0.1:{self._ui_port}",
            ),
            access=AccessSettings(
                webhook_url=HttpUrl(self.company.url), webhook_secret=SecretStr(ACCESS_SECRET)
            ),
            starter=StarterSettings(port=self._starter_port, inbox=True),
            mail=MailSettings(outbox=directory / "outbox", company=COMPANY, default_timezone="Europe/Warsaw"),
            database_url=f"sqlite:///{directory / 'recoup.db'}",
            policy_file=directory / "policy.yaml",
            public_url=self.starter_url,
            link_secrets=(SecretStr(LINK_SECRET),),
            clock_file=directory / "clock",
        )


def _variables(section: BaseModel, prefix: str = PREFIX) -> dict[str, str]:
    """What was set in a section of the settings, as environment variables."""
    variables: dict[str, str] = {}
    for name in section.model_fields_set:
        value = getattr(section, name)
        if isinstance(value, BaseModel):
            variables |= _variables(value, f"{prefix}{name.upper()}__")
        elif isinstance(value, tuple):
            variables[prefix + name.upper()] = json.dumps([_plain(item) for item in value])
        else:
            variables[prefix + name.upper()] = _plain(value)
    return variables


def _plain(value: object) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else str(value)
