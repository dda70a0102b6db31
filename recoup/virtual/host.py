"""A Temporal in one process and in virtual time: it carries the real workflows and has the real activities done.

Kept from Temporal: a workflow is started once by its id, commands become timers and activities, an activity that fails or
whose worker dies is tried again as its retry policy says, what was accepted is never lost, a worker that died replays. Left
out: everything in between that a server does with networks and disks; the runs with real processes have that.
"""

from __future__ import annotations

import asyncio
import dataclasses
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from temporalio.api.common.v1 import Payload
from temporalio.bridge.proto.workflow_activation import WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import ScheduleActivity, WorkflowCommand
from temporalio.client import WorkflowExecutionStatus
from temporalio.common import RetryPolicy
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from recoup.clock import Clock
from recoup.temporal.payloads import plain_converter
from recoup.virtual._instances import (
    CONVERTER,
    Identity,
    Instance,
    WorkflowBroken,
    activity_definition,
    workflow_definition,
)
from recoup.virtual.agenda import Agenda

LOST_AFTER = timedelta(seconds=15)
"""A try whose worker died is noticed by its missing heartbeats."""

HOPELESS = 200
"""An activity that failed so often, five minutes apart, will not succeed any more."""


MOST_TASKS = 1500
"""A workflow that was told so much goes round in circles; a case of months with all its faults hears a few hundred things."""


class WorkerDied(BaseException):
    """The worker process ends here; no code of the product may catch it."""


@dataclass(frozen=True)
class Try:
    """One try of one activity."""

    workflow_id: str
    activity: str
    argument: Any
    attempt: int


class Surroundings(Protocol):
    """What happens around a try; the faults come from here."""

    def before(self, this: Try) -> timedelta | None:
        """A try begins; or it must wait so long, because no worker is there."""
        ...

    def doing(self, this: Try) -> AbstractContextManager[None]:
        """The try is under way."""
        ...

    def after(self, this: Try) -> timedelta | None:
        """A try has been done; a duration where its result never arrives, and how long until that is noticed."""
        ...

    def died(self, this: Try) -> timedelta:
        """The worker died during this try; how long until another takes over."""
        ...

    def continues_as_new(self, workflow_id: str) -> bool:
        """Whether Temporal suggests now that the workflow continues as new."""
        ...


@dataclass
class _Pending:
    order: ScheduleActivity
    policy: RetryPolicy
    attempt: int = 1


@dataclass
class Execution:
    """A workflow execution: all its runs."""

    instance: Instance
    status: WorkflowExecutionStatus = WorkflowExecutionStatus.RUNNING
    result: Payload | None = None
    problem: str | None = None
    timers: dict[int, datetime] = field(default_factory=dict)
    activities: dict[int, _Pending] = field(default_factory=dict)
    answers: dict[str, Payload | str] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self.status is WorkflowExecutionStatus.RUNNING

    @property
    def waits_for_nothing(self) -> bool:
        """Whether only a word from outside can move it."""
        return self.is_running and not self.timers and not self.activities


class Host:
    """Carries workflows and has their activities done, one thing at a time."""

    def __init__(
        self,
        agenda: Agenda,
        clock: Clock,
        workflows: Sequence[type],
        activities: Sequence[Callable[..., Any]],
        surroundings: Surroundings,
    ) -> None:
        self._agenda = agenda
        self._clock = clock
        self._surroundings = surroundings
        found = [workflow_definition(each) for each in workflows]
        self._workflows = {str(defn.name): defn for defn in found}
        self._activities = {str(activity_definition(each).name): each for each in activities}
        self.executions: dict[str, Execution] = {}
        """The latest execution of each id."""
        self.problems: dict[str, str] = {}
        """Workflows that cannot go on, and why; empty when all is well."""

    # -- what clients ask for; accepted at once, done when its turn comes --------------------------------------------

    def start(self, workflow_id: str, type_: str, argument: Any) -> None:
        """Begin a workflow; the caller has looked whether the id is free."""
        run_id = f"{workflow_id}#{len(self.executions)}.{int(self._clock.now().timestamp() * 1000)}"
        identity = Identity(
            workflow_id, run_id, run_id, type_, self._clock.now(), CONVERTER.to_payloads([argument])
        )
        execution = Execution(Instance(identity, self._workflows[type_]))
        self.executions[workflow_id] = execution
        self._later(execution, f"begin {workflow_id}", lambda: self._begin(execution, identity))

    def signal(self, workflow_id: str, name: str, argument: Any) -> bool:
        """Tell a running workflow; False where there is none."""
        execution = self.executions.get(workflow_id)
        if execution is None or not execution.is_running:
            return False
        job = WorkflowActivationJob()
        job.signal_workflow.signal_name = name
        job.signal_workflow.input.extend(CONVERTER.to_payloads([argument]))
        self._later(execution, f"{name} to {workflow_id}", lambda: self._activate(execution, job))
        return True

    def update(self, workflow_id: str, name: str, argument: Any) -> str | None:
        """Give an operator's word; the reason where it was refused. Only from outside of any activity."""
        answer = self.answer_to(workflow_id, name, argument)
        return answer if isinstance(answer, str) else None

    def answer_to(self, workflow_id: str, name: str, argument: Any) -> Payload | str:
        """Give an operator's word; what the workflow answers, or the reason where it was refused. As :meth:`update`."""
        execution = self.executions.get(workflow_id)
        if execution is None or not execution.is_running:
            return "it does not run"
        job, id_ = WorkflowActivationJob(), f"u{len(execution.answers)}"
        job.do_update.id = job.do_update.protocol_instance_id = id_
        job.do_update.name, job.do_update.run_validator = name, True
        job.do_update.input.extend(CONVERTER.to_payloads([argument]))
        self._activate(execution, job)
        return execution.answers.get(id_, "no answer")

    def query(self, workflow_id: str, name: str, result: type) -> Any:
        """Ask a workflow that runs. Only from outside of any activity."""
        job = WorkflowActivationJob()
        job.query_workflow.query_id, job.query_workflow.query_type = "q", name
        commands = self.executions[workflow_id].instance.activate(self._clock.now(), [job])
        answer = commands[0].respond_to_query
        return CONVERTER.from_payloads([answer.succeeded.response], [result])[0]

    def forget(self, workflow_id: str) -> None:
        """The worker that held this workflow in memory died."""
        self.executions[workflow_id].instance.forget()

    # -- carrying ------------------------------------------------------------------------------------------------------

    def _later(self, execution: Execution, what: str, deed: Callable[[], None]) -> None:
        self._agenda.put(self._clock.now(), what, deed)

    def _begin(self, execution: Execution, identity: Identity) -> None:
        job = WorkflowActivationJob()
        begin = job.initialize_workflow
        begin.workflow_type, begin.workflow_id = identity.type, identity.workflow_id
        begin.first_execution_run_id = identity.first_run_id
        begin.arguments.extend(identity.start)
        self._activate(execution, job)

    def _activate(self, execution: Execution, job: WorkflowActivationJob) -> None:
        if not execution.is_running:
            return
        id_ = execution.instance.identity.workflow_id
        begins = job.HasField("initialize_workflow")
        if execution.instance.told == [] and not begins:
            # It was told before its first task: Temporal keeps the order.
            self._later(execution, id_, lambda: self._activate(execution, job))
            return
        if len(execution.instance.told) > MOST_TASKS:
            self._give_up(execution, f"it goes round in circles: {MOST_TASKS} tasks, and no end")
            return
        as_new = not begins and self._surroundings.continues_as_new(id_)
        try:
            commands = execution.instance.activate(self._clock.now(), [job], as_new=as_new)
        except WorkflowBroken as error:
            execution.status, execution.problem = WorkflowExecutionStatus.FAILED, str(error)
            self.problems[id_] = str(error)
            return
        for command in commands:
            self._obey(execution, command)

    def _obey(self, execution: Execution, command: WorkflowCommand) -> None:
        match command.WhichOneof("variant"):
            case "start_timer":
                seq, wait = command.start_timer.seq, command.start_timer.start_to_fire_timeout.ToTimedelta()
                execution.timers[seq] = self._clock.now() + wait
                self._agenda.put(
                    execution.timers[seq],
                    f"timer of {execution.instance.identity.workflow_id}",
                    lambda: self._fire(execution, seq),
                )
            case "cancel_timer":
                execution.timers.pop(command.cancel_timer.seq, None)
            case "schedule_activity":
                order = command.schedule_activity
                pending = _Pending(order, RetryPolicy.from_proto(order.retry_policy))
                execution.activities[order.seq] = pending
                self._try_after(execution, pending, timedelta(0))
            case "update_response":
                said = command.update_response
                if said.HasField("rejected"):
                    execution.answers[said.protocol_instance_id] = said.rejected.message
                elif said.HasField("completed"):
                    execution.answers[said.protocol_instance_id] = said.completed
            case "complete_workflow_execution":
                self._end(execution, WorkflowExecutionStatus.COMPLETED)
                execution.result = command.complete_workflow_execution.result
            case "fail_workflow_execution":
                self._end(execution, WorkflowExecutionStatus.FAILED)
                failure = command.fail_workflow_execution.failure
                execution.problem = failure.message
                self.problems[execution.instance.identity.workflow_id] = f"it failed: {failure.message}"
            case "continue_as_new_workflow_execution":
                self._continue(execution, command)
            case _:
                pass

    def _continue(self, execution: Execution, command: WorkflowCommand) -> None:
        execution.timers.clear()
        execution.activities.clear()
        before = execution.instance.identity
        execution.instance.forget()
        start = list(command.continue_as_new_workflow_execution.arguments)
        identity = dataclasses.replace(
            before, run_id=f"{before.run_id}+", began_at=self._clock.now(), start=start
        )
        execution.instance = Instance(identity, execution.instance.defn)
        self._later(execution, f"continue {before.workflow_id}", lambda: self._begin(execution, identity))

    def _end(self, execution: Execution, status: WorkflowExecutionStatus) -> None:
        execution.status = status
        execution.timers.clear()
        execution.activities.clear()
        execution.instance.forget()

    def _fire(self, execution: Execution, seq: int) -> None:
        due = execution.timers.get(seq)
        if due is None or due > self._clock.now():
            return
        del execution.timers[seq]
        job = WorkflowActivationJob()
        job.fire_timer.seq = seq
        self._activate(execution, job)

    # -- activities ----------------------------------------------------------------------------------------------------

    def _try_after(self, execution: Execution, pending: _Pending, wait: timedelta) -> None:
        run = execution.instance.identity.run_id

        def deed() -> None:
            alive = execution.is_running and execution.instance.identity.run_id == run
            if alive and execution.activities.get(pending.order.seq) is pending:
                self._try(execution, pending)

        what = f"{pending.order.activity_type} of {execution.instance.identity.workflow_id}"
        self._agenda.put(self._clock.now() + wait, what, deed)

    def _try(self, execution: Execution, pending: _Pending) -> None:
        this = self._described(execution, pending)
        if (wait := self._surroundings.before(this)) is not None:
            self._try_after(execution, pending, wait)
            return
        try:
            result = self.perform(this)
        except WorkerDied:
            execution.instance.forget()
            self._again(execution, pending, self._surroundings.died(this))
        except Exception as error:  # noqa: BLE001 - whatever an activity raises is Temporal's to sort
            self._failed(execution, pending, error)
        else:
            if (lost := self._surroundings.after(this)) is not None:
                self._again(execution, pending, lost)
                return
            job = WorkflowActivationJob()
            job.resolve_activity.seq = pending.order.seq
            job.resolve_activity.result.completed.result.CopyFrom(CONVERTER.to_payloads([result])[0])
            execution.activities.pop(pending.order.seq, None)
            self._activate(execution, job)

    def perform(self, this: Try) -> Any:
        """Have one try done, here and now."""
        done = self._activities[this.activity]
        environment = ActivityEnvironment()
        environment.info = dataclasses.replace(
            environment.info, attempt=this.attempt, activity_type=this.activity, workflow_id=this.workflow_id
        )
        with self._surroundings.doing(this):
            result = environment.run(done, this.argument)
            return asyncio.run(_awaited(result)) if inspect.isawaitable(result) else result

    def _described(self, execution: Execution, pending: _Pending) -> Try:
        name = pending.order.activity_type
        types = activity_definition(self._activities[name]).arg_types
        (argument,) = CONVERTER.from_payloads(list(pending.order.arguments), types)
        return Try(execution.instance.identity.workflow_id, name, argument, pending.attempt)

    def _again(self, execution: Execution, pending: _Pending, wait: timedelta) -> None:
        pending.attempt += 1
        self._try_after(execution, pending, wait)

    def _failed(self, execution: Execution, pending: _Pending, error: Exception) -> None:
        policy, final = pending.policy, isinstance(error, ApplicationError) and error.non_retryable
        if final or (policy.maximum_attempts and pending.attempt >= policy.maximum_attempts):
            execution.activities.pop(pending.order.seq, None)
            self._activate(execution, _refusal(pending, error))
            return
        wait = policy.initial_interval * policy.backoff_coefficient ** min(pending.attempt - 1, 20)
        if pending.attempt >= HOPELESS:
            self._give_up(execution, f"{pending.order.activity_type} fails for ever: {error!r}")
            return
        self._again(execution, pending, min(wait, policy.maximum_interval or wait))

    def _give_up(self, execution: Execution, problem: str) -> None:
        self._end(execution, WorkflowExecutionStatus.TERMINATED)
        self.problems[execution.instance.identity.workflow_id] = problem


async def _awaited(result: Any) -> Any:
    return await result


def _refusal(pending: _Pending, error: Exception) -> WorkflowActivationJob:
    job = WorkflowActivationJob()
    job.resolve_activity.seq = pending.order.seq
    failure = job.resolve_activity.result.failed.failure
    failure.message = "Activity task failed"
    failure.activity_failure_info.activity_type.name = pending.order.activity_type
    failure.activity_failure_info.activity_id = pending.order.activity_id
    plain_converter.failure_converter.to_failure(error, CONVERTER, failure.cause)
    return job
