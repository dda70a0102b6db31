"""The whole way, with a real Temporal, worker, ledger and Stripe sandbox: a training, its promotion, and a case that it plans."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
import pytest_asyncio
import yaml
from temporalio.client import Client, ScheduleActionStartWorkflow
from temporalio.testing import WorkflowEnvironment

from activities.contracts import TASK_QUEUE
from activities.timing_contracts import TRAINING_WORKFLOW, StartTraining, TrainingResult
from recoup.ledger import Ledger
from recoup.settings import TimingSettings
from recoup.temporal.bootstrap import prepare
from recoup.temporal.payloads import plain_converter
from recoup.temporal.training import TRAINING, keep_training_schedule
from recoup.timing.situation import zone_of
from tests.fixtures.sandbox import running_sandbox
from tests.learning.pasts import NIGHT, write_past
from tests.ledger.databases import migrated_file
from tests.sweep.stage import WORLD, Stage, at_any_hour, clean, settings_for, working

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(loop_scope="session")
async def stage(
    time_skipping_env: WorkflowEnvironment, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    """A worker whose policy wants the promoted model, and a ledger with a past to learn from."""
    service = time_skipping_env.client.service_client
    client = Client(service, namespace="learning", data_converter=plain_converter)
    await prepare(client)
    (tmp_path / "world.yaml").write_text(WORLD)
    shutil.copy(migrated_file(tmp_path_factory.getbasetemp()), tmp_path / "ledger.db")
    with running_sandbox(tmp_path, tmp_path / "world.yaml") as sandbox:
        wanted = {
            "policy_file": wanting_the_model(tmp_path),
            "timing": TimingSettings(models=tmp_path / "models"),
        }
        settings = settings_for(sandbox, client, tmp_path).model_copy(update=wanted)
        ledger = Ledger.connect(settings.database_url)
        write_past(ledger, 1000, begins=sandbox.clock.now() - timedelta(days=245))
        stage = Stage(sandbox, ledger, client, settings)
        async with working(stage):
            yield stage
        await clean(client)
        ledger.close()


def wanting_the_model(directory: Path) -> Path:
    """The shipped policy at any hour, with planned retries and the promoted model."""
    path = at_any_hour(directory)
    policy = yaml.safe_load(path.read_text())
    for campaign in policy["campaigns"]:
        campaign["retries"] = {"timing": "planned", "model": "promoted", "after_days": [1, 3, 7, 12]}
    path.write_text(yaml.safe_dump(policy))
    return path


async def test_a_model_is_trained_promoted_and_plans_a_case(stage: Stage) -> None:
    """The workflow trains and promotes; the case begun after it waits for the model's moment, not the prior's, and its ledger says whose it is."""
    trained = await stage.client.execute_workflow(
        TRAINING_WORKFLOW,
        StartTraining(by="test"),
        id=TRAINING.now,
        task_queue=TASK_QUEUE,
        result_type=TrainingResult,
    )
    assert trained.promoted, trained.because
    told = await asyncio.to_thread(stage.ledger.past.newest_event, "model_promoted")
    assert told is not None
    assert (told.data["version"], told.data["by"]) == (trained.version, "test")
    (row,) = await stage.begun()
    view = await stage.gateway.view(row.id)
    assert view is not None
    (plan,) = stage.ledger.past.plans_of(row.id)
    assert plan.model == trained.version
    assert view.case.planned is not None
    assert view.case.planned.model == trained.version
    moment = view.case.planned.at
    assert moment is not None
    assert moment.isoformat() == plan.known["would"]["model"] != plan.known["would"]["prior"]
    assert moment.astimezone(zone_of(None, "US")).hour in NIGHT
    attempts = [one for one in view.next.candidates if one.kind == "attempt"]
    assert [one.due_at for one in attempts] == [moment]
    assert trained.version in view.case.planned.because


async def test_the_schedule_is_made_corrected_and_taken_away(stage: Stage) -> None:
    """Made once as the setting says, changed with it, and gone where it says never."""
    assert await keep_training_schedule(stage.client, 168) == "the schedule recoup-timing, every 168 hours"
    assert await keep_training_schedule(stage.client, 168) is None
    described = await stage.client.get_schedule_handle("recoup-timing").describe()
    action = described.schedule.action
    assert isinstance(action, ScheduleActionStartWorkflow)
    assert action.workflow == TRAINING_WORKFLOW
    assert await keep_training_schedule(stage.client, 24) == "the schedule recoup-timing, now every 24 hours"
    assert await keep_training_schedule(stage.client, 0) == "no schedule recoup-timing any more"
    assert await keep_training_schedule(stage.client, 0) is None
