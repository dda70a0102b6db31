"""Commands on cases that really run: a worker, a Temporal server, a ledger and a Stripe, each a part of its own."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import WorkflowEnvironment
from temporalio.worker import Worker

from activities.contracts import StartCase
from activities.people import People
from recoup.rules.case import Stage
from recoup.rules.steps import StepKind
from tests.activities.conftest import Desk
from tests.fixtures.sandbox import ROOT
from tests.workflows.playing import Handle, asleep
from workflows.recovery import RecoveryCase

pytestmark = pytest.mark.asyncio(loop_scope="session")

NEW = """
version: 1
priority:
  - {when: {amount_at_least: {eur: 1000}}, add: 40, because: it is worth it}
campaigns:
  - name: euros
    when: {amount_at_least: {eur: 1000}}
    grace_days: 20
    retries: {after_days: [2]}
  - name: everybody
"""


@asynccontextmanager
async def running(desk: Desk, env: WorkflowEnvironment) -> AsyncIterator[Handle]:
    """The case of the customer who pays in euros, carried by a worker over the desk's activities."""
    people = People(desk.ledger, desk.clock)
    activities: list[Callable[..., Any]] = [
        desk.payments.take_up, desk.messages.send, desk.payments.look, desk.records.note, people.stage, people.assign, people.move,
    ]  # fmt: skip
    invoice = desk.invoice("empty")
    with ThreadPoolExecutor(4) as threads:
        async with Worker(
            env.client,
            task_queue=invoice,
            workflows=[RecoveryCase],
            activities=activities,
            activity_executor=threads,
            identity="worker",
            build_id="tests",
        ):
            start = StartCase(invoice=invoice, at=desk.clock.now())
            with env.with_time_skipping_disabled():
                handle = await env.client.start_workflow(
                    RecoveryCase.run, start, id=f"recovery/{invoice}", task_queue=invoice
                )
            await asleep(handle, StepKind.ATTEMPT)
            yield handle
            await handle.terminate()


async def recoup(desk: Desk, env: WorkflowEnvironment, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A command as a process of its own, with settings that lead to the test's parts."""
    client = env.client
    settings = {
        "STRIPE__API_KEY": "sk_test_commands",
        "STRIPE__API_BASE": desk.sandbox.address,
        "TEMPORAL__ADDRESS": client.service_client.config.target_host,
        "TEMPORAL__NAMESPACE": client.namespace,
        "DATABASE_URL": f"sqlite:///{desk.directory / 'ledger.db'}",
        "CLOCK_FILE": str(desk.sandbox.clock_file),
        "POLICY_FILE": str(ROOT / "policy.yaml"),
    }
    env_ = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        **{f"RECOUP_{name}": value for name, value in settings.items()},
    }
    command = [sys.executable, "-m", "recoup", *arguments]
    return await asyncio.to_thread(
        subprocess.run,
        command,
        cwd=desk.directory,
        env=env_,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )


def _policy(desk: Desk) -> str:
    path = Path(desk.directory) / "new.yaml"
    path.write_text(NEW)
    return str(path)


async def test_a_policy_is_shown_then_applied(desk: Desk, time_skipping_env: WorkflowEnvironment) -> None:
    """``keep`` changes nothing; ``drain`` says what would change, then moves the case: its attempts stay, its grace is the new one."""
    async with running(desk, time_skipping_env) as handle:
        kept = await recoup(desk, time_skipping_env, "policy", "apply", _policy(desk), "--running", "keep")
        assert (kept.returncode, kept.stdout.splitlines()[0]) == (
            0,
            "1 running cases keep their campaigns; nothing is changed for them.",
        )
        before = (await asleep(handle)).case
        assert before.campaign.name == "everybody"
        done = await recoup(
            desk,
            time_skipping_env,
            "policy",
            "apply",
            _policy(desk),
            "--running",
            "drain",
            "--yes",
            "--operator",
            "anna",
        )
        assert done.returncode == 0, done.stderr
        for said in (
            "1 cases are running; 1 would change.",
            "1 of everybody would go on by euros",
            "suspension: on day 21; the subscription is then: pause → on day 34; the subscription is then: pause",
            "priority: 0 → 40",
            "Moved 1 of 1 cases",
        ):
            assert said in done.stdout
        after = (await asleep(handle)).case
        assert (after.campaign.name, after.campaign.grace_days) == ("euros", 20)
        assert after.campaign.retries == before.campaign.retries
        assert (after.priority, after.priority_because) == (40, ("+40 it is worth it",))
    row = desk.ledger.cases.get(before.id)
    assert row is not None
    assert (row.campaign, row.priority, row.policy["grace_days"]) == ("euros", 40, 20.0)
    moved = [event for event in desk.ledger.events.of_case(before.id) if event.kind == "case_moved"]
    assert [(event.actor, event.data["to"]) for event in moved] == [("anna", row.policy_version)]


async def test_without_a_yes_nothing_is_moved(desk: Desk, time_skipping_env: WorkflowEnvironment) -> None:
    """Who does not agree to what is shown changes nothing."""
    async with running(desk, time_skipping_env) as handle:
        done = await recoup(
            desk, time_skipping_env, "policy", "apply", _policy(desk), "--running", "next-step"
        )
        assert "would change" in done.stdout
        assert done.returncode != 0  # nobody is there to answer
        assert (await asleep(handle)).case.campaign.name == "everybody"


async def test_the_queue_and_an_operators_words(desk: Desk, time_skipping_env: WorkflowEnvironment) -> None:
    """A case that was handed over stands in the queue with its reason and its owner; its page says who said what."""
    async with running(desk, time_skipping_env) as handle:
        id_ = desk.invoice("empty")
        over = ("case", id_, "hand-over", "--reason", "a friend of ours", "--operator", "anna", "--to", "ben")
        said = await recoup(desk, time_skipping_env, *over)
        assert said.returncode == 0, said.stderr
        assert (
            f"{id_} is person. Next: person (no date), because anna handed the case over to ben"
            in said.stdout
        )
        for _ in range(100):
            if (await asleep(handle)).case.queued:
                break
            await asyncio.sleep(0.05)
        queue = await recoup(desk, time_skipping_env, "cases", "--stage", "person", "--json")
        row = json.loads(queue.stdout)
        assert (row["id"], row["stage"], row["assigned_to"]) == (id_, Stage.PERSON, "ben")
        assert row["next_because"] == "anna handed the case over to ben: a friend of ours"
        table = await recoup(desk, time_skipping_env, "cases")
        assert id_ in table.stdout
        page = (await recoup(desk, time_skipping_env, "case", id_)).stdout
        assert "Next: person (no date)" in page
        assert "case_assigned by anna" in page
        assert "operator_word by anna: word hand_over" in page
        refused = await recoup(
            desk, time_skipping_env, "case", id_, "approve", "--reason", "why not", "--operator", "anna"
        )
        assert refused.returncode == 2
        assert "does not wait for an approval" in refused.stderr
