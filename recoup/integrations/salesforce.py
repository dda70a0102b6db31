"""Salesforce: the customer's contact or account is kept up to date, and gets a task for each event.

OAuth 2.0 client credentials flow; records by external id, queries and sObject rows as in the REST API Developer Guide. What is
done is a completed task, what a person must do an open one. Errors are told by their code: 403 REQUEST_LIMIT_EXCEEDED passes,
401 asks for a new token once.
"""

from __future__ import annotations

import threading
from typing import Any
from urllib.parse import quote

import httpx2

from recoup.integrations import _words
from recoup.integrations._http import GONE, Http, fields
from recoup.integrations.destination import About, Refused, Standing, Unavailable
from recoup.integrations.published import EventType, PublicEvent
from recoup.integrations.settings import SalesforceDestination

EVENT_FIELD = "Recoup_Event__c"
"""Of tasks: which event they tell of, so that none is written twice."""

_LONGEST_SUBJECT = 255
_AMBIGUOUS = 300
_CHANGED = 204


class Salesforce:
    """One Salesforce organisation."""

    def __init__(self, settings: SalesforceDestination, timeout: float) -> None:
        self.name = settings.name
        self.wanted = frozenset(EventType)
        self._settings = settings
        self._http = Http("Salesforce", timeout)
        self._lock = threading.Lock()
        self._session: tuple[str, str] | None = None

    def wants(self, event: PublicEvent) -> bool:
        """All of its types."""
        return event.type in self.wanted

    def deliver(self, event: PublicEvent, about: About, *, repeated: bool) -> None:
        """Write the task, then the fields of the record."""
        record = self._find(event, about)
        if not (repeated and self._by_query("Task", EVENT_FIELD, event.key)):
            doing = f"write down {event.key}"
            answer = self._ask("POST", "sobjects/Task", doing, json=self._task(event, record))
            self._http.found(answer, "id", doing)
        kept = self._kept(about.standing()) | {self._settings.customer_field: event.customer}
        path = f"sobjects/{self._settings.record}/{record}"
        doing = f"update the {self._settings.record}"
        answer = self._ask("PATCH", path, doing, allowed=frozenset({GONE}), json=kept)
        if answer.status_code == GONE:  # merged or removed since it was found
            raise Refused(self._http.sentence(answer, doing), GONE)
        if answer.status_code != _CHANGED:
            raise Unavailable(
                f"{self._http.sentence(answer, doing)}: that is no answer of Salesforce's",
                answer.status_code,
                everywhere=True,
            )

    def _find(self, event: PublicEvent, about: About) -> str:
        """The record by its external id, or a contact by the address that Stripe has."""
        name = self._settings.record
        path = f"sobjects/{name}/{self._settings.customer_field}/{quote(event.customer, safe='')}?fields=Id"
        doing = f"find the {name}"
        answer = self._ask("GET", path, doing, allowed=frozenset({GONE, _AMBIGUOUS}))
        if answer.status_code == _AMBIGUOUS:
            raise Refused(
                f"Salesforce has several {name} records for {event.customer}: leave one", _AMBIGUOUS
            )
        found = self._http.found(answer, "Id", doing) if answer.is_success else None
        if found is None and name == "Contact" and (email := about.email()):
            found = self._by_query(name, "Email", email)
        if found is None:
            raise Refused(
                f"Salesforce has no {name} for {event.customer}: set its field"
                f" {self._settings.customer_field}, then replay"
            )
        return str(found)

    def _by_query(self, name: str, field: str, value: str) -> str | None:
        """The newest record whose field has this value; quotes and backslashes are escaped as SOQL wants it."""
        escaped = value.replace("\\", "\\\\").replace("'", "\\'")
        query = f"SELECT Id FROM {name} WHERE {field} = '{escaped}' ORDER BY CreatedDate DESC LIMIT 1"  # noqa: S608
        doing = f"find a {name} by {field}"
        answer = self._ask("GET", f"query?q={quote(query, safe='')}", doing)
        records = self._http.found(answer, "records", doing)
        return str(records[0]["Id"]) if records else None

    def _task(self, event: PublicEvent, record: str) -> dict[str, str]:
        is_open = event.type is EventType.PERSON_NEEDED
        return {
            "Subject": f"Recoup: {_words.headline(event)}"[:_LONGEST_SUBJECT],
            "Description": _words.sentence(event),
            "Status": "Not Started" if is_open else "Completed",
            "Priority": "High" if is_open else "Normal",
            "ActivityDate": event.at.date().isoformat(),
            "WhoId" if self._settings.record == "Contact" else "WhatId": record,
            EVENT_FIELD: event.key,
        }

    def _kept(self, standing: Standing) -> dict[str, str | float]:
        kept: dict[str, str | float] = {
            "Recoup_Stage__c": standing.stage,
            "Recoup_Amount_Due__c": float(standing.due),
            "Recoup_Currency__c": standing.currency,
            "Recoup_Outcome__c": standing.outcome,
        }
        if standing.next_action is not None:
            kept["Recoup_Next_Action__c"] = standing.next_action[:_LONGEST_SUBJECT]
        return kept

    def _ask(
        self, method: str, path: str, doing: str, *, allowed: frozenset[int] = frozenset(), **body: Any
    ) -> httpx2.Response:
        answer = self._with_session(method, path, doing, allowed | {401}, body)
        if answer.status_code == 401:  # the session has expired
            self._session = None
            answer = self._with_session(method, path, doing, allowed, body)
        return answer

    def _with_session(
        self, method: str, path: str, doing: str, allowed: frozenset[int], body: dict[str, Any]
    ) -> httpx2.Response:
        token, instance = self._token()
        url = f"{instance}/services/data/{self._settings.api_version}/{path}"
        headers = {"authorization": f"Bearer {token}"}
        return self._http.ask(method, url, doing, headers=headers, allowed=allowed, **body)

    def _token(self) -> tuple[str, str]:
        with self._lock:
            if self._session is None:
                self._session = self._log_in()
            return self._session

    def _log_in(self) -> tuple[str, str]:
        form = {
            "grant_type": "client_credentials",
            "client_id": self._settings.client_id,
            "client_secret": self._settings.client_secret.get_secret_value(),
        }
        url = f"{str(self._settings.login_url).rstrip('/')}/services/oauth2/token"
        try:
            given = fields(self._http.ask("POST", url, "give a token", data=form))
        except Refused as error:  # wrong credentials are no matter of this one event
            raise Unavailable(str(error), error.status, everywhere=True) from None
        if not given.get("access_token") or not given.get("instance_url"):
            raise Unavailable(
                "Salesforce gave no token: check client_id, client_secret and login_url", everywhere=True
            )
        return str(given["access_token"]), str(given["instance_url"]).rstrip("/")
