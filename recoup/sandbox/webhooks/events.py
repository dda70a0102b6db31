"""Events: a snapshot of an object, kept for the events list and queued for each endpoint that wants its type."""

from __future__ import annotations

import json

from recoup.sandbox import API_VERSION
from recoup.sandbox.http.errors import Doc
from recoup.sandbox.work import Work, public


def tell(work: Work, type_: str, doc: Doc, previous: Doc | None = None) -> Doc:
    """Make an event about the object as it stands now and queue its deliveries."""
    event = tell_about(work, type_, json.loads(json.dumps(public(doc))), previous)
    work.told(doc)
    return event


def tell_about(work: Work, type_: str, shown: Doc, previous: Doc | None = None) -> Doc:
    """Make an event about an object as the outside sees it, which need not be one of the sandbox's."""
    data: Doc = {"object": shown}
    if previous is not None:
        data["previous_attributes"] = previous
    event = work.create(
        "event",
        api_version=API_VERSION,
        data=data,
        livemode=False,
        pending_webhooks=0,
        request=dict(work.request),
        type=type_,
    )
    work.told_events += 1
    for endpoint in work.select("webhook_endpoint"):
        if wants(endpoint, type_):
            event["pending_webhooks"] += 1
            work.db.execute(
                "INSERT INTO deliveries (event, endpoint, due, first_at) VALUES (?, ?, ?, ?)",
                (event["id"], endpoint["id"], work.now, work.now),
            )
    return event


def tell_change(work: Work, type_: str, doc: Doc) -> Doc | None:
    """Make an ``….updated`` event with the former values of what changed; nothing changed, no event."""
    previous = work.changed_since_told(doc)
    return tell(work, type_, doc, previous) if previous else None


def wants(endpoint: Doc, type_: str) -> bool:
    """Whether an endpoint subscribes to events of this type."""
    enabled = endpoint["enabled_events"]
    return endpoint["status"] == "enabled" and ("*" in enabled or type_ in enabled)
