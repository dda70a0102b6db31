"""Histories: events, bytes and billable actions of a case that recovers and of one that never does.

Taken from the histories that the tests replay: cases as the present code runs them, left to themselves from the failure to the end.
"""

from __future__ import annotations

from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHistory

from bench._processes import ROOT
from bench._rows import Figures, Row

BILLED = frozenset(
    {
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_STARTED,
        EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED,
        EventType.EVENT_TYPE_TIMER_STARTED,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED,
        EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES,
        EventType.EVENT_TYPE_WORKFLOW_EXECUTION_UPDATE_ACCEPTED,
    }
)
"""What Temporal Cloud counts as an action of such a case (its pricing page, "Actions"); retried activities count again."""
_CASES = {"retry-wins": (60, 12_000, 14), "suspended": (100, 18_000, 24)}


def measure(place: Path, times: int) -> list[Row]:
    """The same every time."""
    del place, times
    rows = []
    for name, (events, size, actions) in _CASES.items():
        file = ROOT / "tests" / "workflows" / "histories" / f"{name}.json"
        history = WorkflowHistory.from_json(name, file.read_text()).events
        skipping = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED
        own = [event for event in history if event.event_type != skipping]
        told = (
            ("events", "events of its history", "", len(own), events),
            ("bytes", "bytes of its history", "", sum(len(event.SerializeToString()) for event in own), size),
            ("actions", "billable actions", "", sum(event.event_type in BILLED for event in own), actions),
        )
        rows += [
            Row(
                f"{name}-{key}",
                f"a case that is {name.replace('-', ' ')}: {what}",
                f"≤ {limit}",
                Figures(what, unit, (value,)),
                limit=limit,
            )
            for key, what, unit, value, limit in told
        ]
    return rows
