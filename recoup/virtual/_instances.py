"""Running the unchanged workflows on the SDK's own workflow instance, without a server.

The SDK's worker gives activations (a timer fired, an activity has answered, a signal came) to an instance and takes its
commands. This module does the same with the same class; where the instance is gone, it is made anew and given all earlier
activations again, and its commands must be the same: what replaying a history means.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from temporalio import activity, workflow
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.bridge.proto.workflow_activation import WorkflowActivation, WorkflowActivationJob
from temporalio.bridge.proto.workflow_commands import WorkflowCommand
from temporalio.common import Priority, TypedSearchAttributes
from temporalio.worker import UnsandboxedWorkflowRunner
from temporalio.worker._workflow_instance import WorkflowInstance, WorkflowInstanceDetails

from recoup.temporal.payloads import plain_converter

NAMESPACE = "virtual"
CONVERTER = plain_converter.payload_converter
TASK_TIMEOUT = timedelta(seconds=10)
_LOOP = asyncio.new_event_loop()


def workflow_definition(workflow_class: type) -> Any:
    """What the SDK's worker knows of a workflow class."""
    return workflow._Definition.must_from_class(workflow_class)  # noqa: SLF001 - its worker asks the same


def activity_definition(done: Callable[..., Any]) -> Any:
    """What the SDK's worker knows of an activity."""
    return activity._Definition.must_from_callable(done)  # noqa: SLF001 - its worker asks the same


class WorkflowBroken(Exception):
    """A workflow's code failed, or did something else when it was replayed; Temporal would try its task for ever."""


@dataclass(frozen=True)
class Identity:
    """Which run of which workflow this is."""

    workflow_id: str
    run_id: str
    first_run_id: str
    type: str
    began_at: datetime
    start: list[Payload]


@dataclass
class Instance:
    """One run of a workflow with all that it was ever told."""

    identity: Identity
    defn: Any
    told: list[tuple[WorkflowActivation, list[WorkflowCommand]]] = field(default_factory=list)
    _live: WorkflowInstance | None = None

    def activate(
        self, now: datetime, jobs: list[WorkflowActivationJob], *, as_new: bool = False
    ) -> list[WorkflowCommand]:
        """Tell it what happened; answers its commands.

        Raises:
            WorkflowBroken: its code failed, or a replay went another way.
        """
        activation = WorkflowActivation(
            run_id=self.identity.run_id,
            history_length=3 + 3 * len(self.told),
            continue_as_new_suggested=as_new,
            jobs=jobs,
        )
        activation.timestamp.FromDatetime(now)
        commands = self._give(self._instance(), activation)
        if not jobs[0].HasField("query_workflow"):
            self.told.append((activation, commands))
        return commands

    def forget(self) -> None:
        """The worker that held it in memory is gone."""
        if self._live is None:
            return
        gone = WorkflowActivation(run_id=self.identity.run_id)
        gone.jobs.add().remove_from_cache.message = "the worker died"
        self._live.activate(gone)
        self._live = None

    def _instance(self) -> WorkflowInstance:
        if self._live is None:
            self._live = _LOOP.run_until_complete(self._make())
            for activation, before in self.told:
                again = WorkflowActivation()
                again.CopyFrom(activation)
                again.is_replaying = True
                _notify_of_patches(again, before)
                commands = self._give(self._live, again)
                if [_plain(command) for command in commands] != [_plain(command) for command in before]:
                    raise WorkflowBroken(f"{self.identity.workflow_id}: replayed, it went another way")
        return self._live

    def _give(self, live: WorkflowInstance, activation: WorkflowActivation) -> list[WorkflowCommand]:
        completion = live.activate(activation)
        if completion.HasField("failed"):
            raise WorkflowBroken(f"{self.identity.workflow_id}: {completion.failed.failure.message}")
        return list(completion.successful.commands)

    async def _make(self) -> WorkflowInstance:
        who = self.identity
        info = workflow.Info(
            attempt=1,
            continued_run_id=None if who.run_id == who.first_run_id else who.first_run_id,
            cron_schedule=None,
            execution_timeout=None,
            first_execution_run_id=who.first_run_id,
            headers={},
            namespace=NAMESPACE,
            original_execution_run_id=who.run_id,
            parent=None,
            root=None,
            raw_memo={},
            retry_policy=None,
            run_id=who.run_id,
            run_timeout=None,
            search_attributes={},
            start_time=who.began_at,
            workflow_start_time=who.began_at,
            task_queue="recoup",
            task_timeout=TASK_TIMEOUT,
            typed_search_attributes=TypedSearchAttributes([]),
            workflow_id=who.workflow_id,
            workflow_type=who.type,
            priority=Priority.default,
        )
        details = WorkflowInstanceDetails(
            payload_converter_factory=plain_converter.payload_converter_class,
            failure_converter_class=plain_converter.failure_converter_class,
            interceptor_classes=[],
            defn=self.defn,
            info=info,
            randomness_seed=crc32(who.first_run_id.encode()),
            extern_functions={},
            disable_eager_activity_execution=True,
            worker_level_failure_exception_types=[],
            patch_activation_callback=None,
            last_completion_result=Payloads(),
            last_failure=None,
        )
        return UnsandboxedWorkflowRunner().create_instance(details)


def _notify_of_patches(activation: WorkflowActivation, before: list[WorkflowCommand]) -> None:
    """The markers of a history say which patches it was made with; they are told before anything else."""
    jobs = list(activation.jobs)
    activation.ClearField("jobs")
    for command in before:
        if command.HasField("set_patch_marker"):
            activation.jobs.add().notify_has_patch.patch_id = command.set_patch_marker.patch_id
    activation.jobs.extend(jobs)


def _plain(command: WorkflowCommand) -> bytes:
    """A command without what is only shown."""
    plain = WorkflowCommand()
    plain.CopyFrom(command)
    plain.ClearField("user_metadata")
    return plain.SerializeToString(deterministic=True)
