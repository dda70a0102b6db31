"""Events and webhook endpoints."""

from __future__ import annotations

import fnmatch
from typing import Any

from recoup.sandbox import API_VERSION
from recoup.sandbox.http.errors import Doc, invalid_parameter
from recoup.sandbox.http.lists import page
from recoup.sandbox.http.params import (
    FLAG,
    LABELS,
    RANGE,
    TEXT,
    Kind,
    Many,
    Text,
    listing,
    merge_labels,
    request,
)
from recoup.sandbox.http.routing import Call, given, router
from recoup.sandbox.ids import random_text
from recoup.sandbox.work import Work

_KEPT_SECONDS = 30 * 86_400


@router.add("GET", "/v1/events/{id}", request())
def retrieve(call: Call) -> Doc:
    """One event."""
    return call.work.get("event", call.id)


@router.add("GET", "/v1/events", listing(type=TEXT, types=Many(TEXT), created=RANGE, delivery_success=FLAG))
def list_events(call: Call) -> Doc:
    """Events of the last 30 days, newest first."""
    work, params = call.work, call.params
    where: dict[str, Any] = {} if "created" in params else {"created": (">", work.now - _KEPT_SECONDS)}
    if params.get("type"):
        where["type"] = ("GLOB", params["type"])
    if params.get("types"):
        if params.get("type"):
            raise invalid_parameter("You may pass either `type` or `types`, but not both.", "types")
        kept = [
            entry
            for entry in _types(work)
            if any(fnmatch.fnmatchcase(entry, name) for name in params["types"])
        ]
        where["type"] = ("IN", kept)
    if "delivery_success" in params:
        where["pending_webhooks"] = ("=" if params["delivery_success"] else ">", 0)
    return page(work, "event", "/v1/events", params, where)


def _types(work: Work) -> list[str]:
    rows = work.db.execute(
        "SELECT DISTINCT json_extract(doc, '$.type') FROM objects WHERE type = 'event'"
    ).fetchall()
    return [row[0] for row in rows]


_ENDPOINT: dict[str, Kind] = {
    "enabled_events": Many(TEXT),
    "url": Text(longest=2048),
    "description": TEXT,
    "metadata": LABELS,
}


@router.add(
    "POST",
    "/v1/webhook_endpoints",
    request("enabled_events", "url", **_ENDPOINT, api_version=Text(API_VERSION)),
)
def create_endpoint(call: Call) -> Doc:
    """A new endpoint; only this answer shows its secret."""
    endpoint = make_endpoint(
        call.work, call.params["url"], call.params["enabled_events"], f"whsec_{random_text(32)}"
    )
    endpoint.update(given(call.params, "description", "api_version"))
    endpoint["metadata"] = merge_labels({}, call.params.get("metadata"))
    return {**endpoint, "secret": endpoint["_secret"]}


def make_endpoint(work: Work, url: str, enabled_events: list[str], secret: str) -> Doc:
    """An endpoint with this secret."""
    if not url.startswith(("http://", "https://")):
        raise invalid_parameter(
            "Invalid URL: An explicit scheme (such as https) must be provided.", "url", "url_invalid"
        )
    return work.create(
        "webhook_endpoint",
        api_version=None,
        application=None,
        description=None,
        enabled_events=enabled_events,
        livemode=False,
        metadata={},
        status="enabled",
        url=url,
        _secret=secret,
    )


@router.add("GET", "/v1/webhook_endpoints/{id}", request())
def retrieve_endpoint(call: Call) -> Doc:
    """One endpoint."""
    return call.work.get("webhook_endpoint", call.id)


@router.add("POST", "/v1/webhook_endpoints/{id}", request(**_ENDPOINT, disabled=FLAG))
def update_endpoint(call: Call) -> Doc:
    """Change an endpoint, or turn it off and on."""
    endpoint = call.work.get("webhook_endpoint", call.id)
    endpoint.update(given(call.params, "url", "enabled_events", "description"))
    endpoint["metadata"] = merge_labels(endpoint["metadata"], call.params.get("metadata"))
    if "disabled" in call.params:
        endpoint["status"] = "disabled" if call.params["disabled"] else "enabled"
    return endpoint


@router.add("DELETE", "/v1/webhook_endpoints/{id}", request())
def delete_endpoint(call: Call) -> Doc:
    """Remove an endpoint."""
    endpoint = call.work.get("webhook_endpoint", call.id)
    call.work.remove(endpoint)
    return {"id": call.id, "object": "webhook_endpoint", "deleted": True}


@router.add("GET", "/v1/webhook_endpoints", listing())
def list_endpoints(call: Call) -> Doc:
    """Endpoints, newest first."""
    return page(call.work, "webhook_endpoint", "/v1/webhook_endpoints", call.params)
