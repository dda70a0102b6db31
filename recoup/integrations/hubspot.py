"""HubSpot: the customer's contact or company is kept up to date, and gets a note for each event and a task for each person needed.

Paths carry a date version (HubSpot, "A Developer's Guide to HubSpot's Date-Based API Versioning"). Shapes as in HubSpot's API
reference: objects/{type}/search, objects/{type} with ``associations``, objects/{type}/{id} ("CRM | Search", "Activities | Notes",
"Activities | Tasks", "Associations overview").
"""

from __future__ import annotations

from html import escape
from typing import Any

import httpx2

from recoup.integrations import _words
from recoup.integrations._http import GONE, Http
from recoup.integrations.destination import About, Refused, Standing
from recoup.integrations.published import EventType, PublicEvent
from recoup.integrations.settings import HubSpotDestination

EVENT_PROPERTY = "recoup_event"
"""Of notes and tasks: which event they tell of, so that none is written twice."""

_ASSOCIATIONS = {
    ("notes", "contacts"): 202,
    ("notes", "companies"): 190,
    ("tasks", "contacts"): 204,
    ("tasks", "companies"): 192,
}
"""HubSpot's own ids of these associations ("Associations overview", association type id values)."""


class HubSpot:
    """One HubSpot account, with the token of a private app or a service key."""

    def __init__(self, settings: HubSpotDestination, timeout: float) -> None:
        self.name = settings.name
        self.wanted = frozenset(EventType)
        self._settings = settings
        self._records = "contacts" if settings.record == "contact" else "companies"
        self._base = f"{str(settings.api_base).rstrip('/')}/crm/objects/{settings.api_version}"
        self._headers = {"authorization": f"Bearer {settings.token.get_secret_value()}"}
        self._http = Http("HubSpot", timeout)

    def wants(self, event: PublicEvent) -> bool:
        """All of its types."""
        return event.type in self.wanted

    def deliver(self, event: PublicEvent, about: About, *, repeated: bool) -> None:
        """Write the note or the task, then the properties: a refused property does not keep the history out."""
        record = self._find(event, about)
        kind = "tasks" if event.type is EventType.PERSON_NEEDED else "notes"
        if not (repeated and self._is_there(kind, event)):
            body = {"properties": _activity(kind, event), "associations": [self._association(kind, record)]}
            doing = f"write down {event.key}"
            self._http.found(self._ask("POST", kind, doing, body), "id", doing)
        properties = self._properties(about.standing()) | {self._settings.customer_property: event.customer}
        self._keep(record, properties)

    def _keep(self, record: str, properties: dict[str, str]) -> None:
        doing = f"update the {self._settings.record}"
        path, body = f"{self._records}/{record}", {"properties": properties}
        answer = self._ask("PATCH", path, doing, body, allowed=frozenset({GONE}))
        if answer.status_code == GONE:  # merged or removed since it was found
            raise Refused(self._http.sentence(answer, doing), GONE)
        self._http.found(answer, "id", doing)

    def _find(self, event: PublicEvent, about: About) -> str:
        """The record by the customer's id, or a contact by the address that Stripe has."""
        found = self._search(self._records, self._settings.customer_property, event.customer)
        if found is None and self._settings.record == "contact" and (email := about.email()):
            found = self._search(self._records, "email", email)
        if found is None:
            raise Refused(
                f"HubSpot has no {self._settings.record} for {event.customer}: set its property"
                f" {self._settings.customer_property}, then replay"
            )
        return found

    def _is_there(self, kind: str, event: PublicEvent) -> bool:
        return self._search(kind, EVENT_PROPERTY, event.key) is not None

    def _search(self, kind: str, name: str, value: str) -> str | None:
        search = {
            "filterGroups": [{"filters": [{"propertyName": name, "operator": "EQ", "value": value}]}],
            "properties": [name],
            "limit": 1,
        }
        doing = f"find {kind} by {name}"
        results = self._http.found(self._ask("POST", f"{kind}/search", doing, search), "results", doing)
        return str(results[0]["id"]) if results else None

    def _association(self, kind: str, record: str) -> dict[str, Any]:
        number = _ASSOCIATIONS[kind, self._records]
        types = [{"associationCategory": "HUBSPOT_DEFINED", "associationTypeId": number}]
        return {"to": {"id": record}, "types": types}

    def _properties(self, standing: Standing) -> dict[str, str]:
        kept = {
            "recoup_stage": standing.stage,
            "recoup_amount_due": standing.due,
            "recoup_currency": standing.currency,
            "recoup_outcome": standing.outcome,
        }
        if standing.next_action is not None:
            kept["recoup_next_action"] = standing.next_action
        return kept

    def _ask(
        self, method: str, path: str, doing: str, body: dict[str, Any], allowed: frozenset[int] = frozenset()
    ) -> httpx2.Response:
        url = f"{self._base}/{path}"
        return self._http.ask(method, url, doing, headers=self._headers, allowed=allowed, json=body)


def _activity(kind: str, event: PublicEvent) -> dict[str, str]:
    told = _words.sentence(event)
    common = {"hs_timestamp": event.at.isoformat(), EVENT_PROPERTY: event.key}
    if kind == "notes":
        return common | {"hs_note_body": escape(told)}
    return common | {
        "hs_task_subject": f"{_words.headline(event)} ({event.case.id})",
        "hs_task_body": escape(told),
        "hs_task_status": "NOT_STARTED",
        "hs_task_priority": "HIGH",
        "hs_task_type": "TODO",
    }
