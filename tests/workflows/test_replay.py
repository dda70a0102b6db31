"""Histories of cases, as they were recorded, replayed by the present code: no running case is disturbed by a change."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from temporalio import workflow
from temporalio.client import WorkflowHistory
from temporalio.worker import Replayer

from activities.contracts import CaseResult, StartCase
from recoup.rules.case import Outcome
from recoup.temporal.payloads import plain_converter
from tests.workflows.scenarios import SCENARIOS
from workflows._hearing import NOTES
from workflows.hosted import DELIVERING, RECOVERY

HOSTED = [*RECOVERY, *DELIVERING]
HISTORIES = sorted((Path(__file__).parent / "histories").glob("*.json"))


def _history(path: Path) -> WorkflowHistory:
    """A recorded history under the id that it had: some name what they begin after themselves."""
    history = WorkflowHistory.from_json(path.stem, path.read_text())
    begun = history.events[0].workflow_execution_started_event_attributes
    return WorkflowHistory(begun.workflow_id or path.stem, history.events)


@pytest.mark.parametrize("path", HISTORIES, ids=lambda path: path.stem)
async def test_a_recorded_case_replays(path: Path) -> None:
    """The present workflow code issues the very commands that this history holds."""
    replayer = Replayer(workflows=HOSTED, data_converter=plain_converter)
    await replayer.replay_workflow(_history(path))


def test_every_scenario_has_its_history() -> None:
    """What can be played was recorded; what is named in no scenario any more may stay, as the record of a release."""
    assert {path.stem for path in HISTORIES} >= SCENARIOS.keys()


def test_every_workflow_has_a_history() -> None:
    """Whatever a worker hosts is replayed, the workflows around the cases included."""
    begun = {
        _history(path).events[0].workflow_execution_started_event_attributes.workflow_type.name
        for path in HISTORIES
    }
    assert begun == {workflow._Definition.must_from_class(each).name for each in HOSTED}


@workflow.defn(name="RecoveryCase", sandboxed=False)
class ForgetfulCase:
    """A case whose code was changed without a thought for those that run."""

    @workflow.run
    async def run(self, start: StartCase) -> CaseResult:
        return CaseResult(
            case_id=start.invoice, outcome=Outcome.CLOSED_EXCLUDED, because="forgotten", attempts=0
        )


async def test_changed_code_is_noticed() -> None:
    """The replay bites: a workflow that does something else fails on every history."""
    cases = [path for path in HISTORIES if '"RecoveryCase"' in path.read_text()]
    assert len(cases) >= 8
    replayer = Replayer(workflows=[ForgetfulCase], data_converter=plain_converter)
    for path in cases:
        with pytest.raises(workflow.NondeterminismError):
            await replayer.replay_workflow(_history(path))


def test_every_change_to_running_cases_is_told() -> None:
    """docs/upgrading.md lists the changes that stand behind ``workflow.patched``, and no others."""
    root = Path(__file__).parents[2]
    calls = [
        call.args[0]
        for path in (root / "workflows").glob("*.py")
        for call in ast.walk(ast.parse(path.read_text()))
        if isinstance(call, ast.Call) and ast.unparse(call.func) == "workflow.patched"
    ]
    named = {arg.value if isinstance(arg, ast.Constant) else NOTES for arg in calls}
    page = (root / "docs" / "upgrading.md").read_text()
    assert set(re.findall(r"^\| `([a-z-]+)` \|", page, flags=re.MULTILINE)) == named
