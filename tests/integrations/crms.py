"""A HubSpot and a Salesforce with just the requests that the adapters make, in the shapes of their references."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import unquote

from pytest_httpserver import HTTPServer
from werkzeug import Request, Response

Fault = Callable[[Request], Response | None]
"""What happens instead of an answer; ``None`` lets the request through. Each is used once."""


def _json(value: Any, status: int = 200) -> Response:
    return Response(json.dumps(value), status, content_type="application/json")


@dataclass
class FakeHubSpot:
    """Records, notes and tasks of one account."""

    version: str = "2026-09"
    objects: dict[str, dict[str, dict[str, str]]] = field(default_factory=dict)
    links: list[tuple[str, str, str, int]] = field(default_factory=list)
    """Kind and id of what was linked, the record's id, the type of the association."""
    searches: list[tuple[str, str, str]] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    lose: set[str] = field(default_factory=set)
    """Kinds of objects whose next creation is done and then answered with a failure."""

    def serve(self, server: HTTPServer) -> FakeHubSpot:
        pattern = re.compile(rf"/crm/objects/{self.version}/.*")
        server.expect_request(pattern, headers={"authorization": "Bearer pat-1"}).respond_with_handler(self)
        return self

    def add(self, kind: str, **properties: str) -> str:
        """A record that somebody made before."""
        of_kind = self.objects.setdefault(kind, {})
        id_ = str(100 * (1 + len(self.objects)) + len(of_kind))
        of_kind[id_] = properties
        return id_

    def __call__(self, request: Request) -> Response:
        if self.faults and (answer := self.faults.pop(0)(request)) is not None:
            return answer
        kind, _, rest = request.path.removeprefix(f"/crm/objects/{self.version}/").partition("/")
        body = request.get_json()
        if rest == "search":
            return self._search(kind, body)
        if request.method == "PATCH":
            return self._update(kind, rest, body)
        id_ = self.add(kind, **body["properties"])
        for link in body["associations"]:
            (type_,) = link["types"]
            assert type_["associationCategory"] == "HUBSPOT_DEFINED"
            self.links.append((kind, id_, link["to"]["id"], type_["associationTypeId"]))
        if kind in self.lose:
            self.lose.remove(kind)
            return _json({"message": "timed out"}, 502)
        return _json({"id": id_, "properties": body["properties"]}, 201)

    def _search(self, kind: str, body: dict[str, Any]) -> Response:
        ((wanted,),) = [group["filters"] for group in body["filterGroups"]]
        name, value = wanted["propertyName"], wanted["value"]
        assert wanted["operator"] == "EQ"
        self.searches.append((kind, name, value))
        found = [id_ for id_, has in self.objects.get(kind, {}).items() if has.get(name) == value]
        return _json({"total": len(found), "results": [{"id": id_, "properties": {}} for id_ in found[:1]]})

    def _update(self, kind: str, id_: str, body: dict[str, Any]) -> Response:
        if id_ not in self.objects.get(kind, {}):
            return _json({"status": "error", "message": "resource not found"}, 404)
        self.objects[kind][id_] |= body["properties"]
        return _json({"id": id_})


@dataclass
class FakeSalesforce:
    """Contacts, accounts and tasks of one organisation."""

    records: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    tokens: int = 0
    secret: str = "secret"
    lose: bool = False
    """Whether the next task is made and then answered with a failure."""
    faults: list[Fault] = field(default_factory=list)

    def serve(self, server: HTTPServer) -> FakeSalesforce:
        self._url = server.url_for("")
        server.expect_request("/services/oauth2/token", method="POST").respond_with_handler(self._token)
        server.expect_request(re.compile(r"/services/data/v64\.0/.*")).respond_with_handler(self)
        return self

    def add(self, kind: str, **fields: Any) -> str:
        """A record that somebody made before."""
        of_kind = self.records.setdefault(kind, {})
        id_ = f"{kind[:3]}{len(of_kind) + 1}"
        of_kind[id_] = fields
        return id_

    def _token(self, request: Request) -> Response:
        assert request.form["grant_type"] == "client_credentials"
        if request.form["client_secret"] != self.secret:
            return _json({"error": "invalid_client", "error_description": "invalid client credentials"}, 400)
        self.tokens += 1
        return _json({"access_token": f"token-{self.tokens}", "instance_url": self._url})

    def __call__(self, request: Request) -> Response:
        if self.faults and (answer := self.faults.pop(0)(request)) is not None:
            return answer
        if request.headers["authorization"] != f"Bearer token-{self.tokens}":
            return _json([{"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}], 401)
        path = request.path.removeprefix("/services/data/v64.0/")
        if path == "query":
            return self._query(request.args["q"])
        kind, *rest = path.removeprefix("sobjects/").split("/")
        if request.method == "GET":
            return self._by_external_id(kind, rest[0], unquote(rest[1]))
        if request.method == "PATCH":
            if rest[0] not in self.records.get(kind, {}):
                return _json([{"errorCode": "NOT_FOUND", "message": "gone"}], 404)
            self.records[kind][rest[0]] |= request.get_json()
            return Response(status=204)
        id_ = self.add(kind, **request.get_json())
        if self.lose:
            self.lose = False
            return _json([{"errorCode": "UNKNOWN_EXCEPTION", "message": "try later"}], 500)
        return _json({"id": id_, "success": True, "errors": []}, 201)

    def _by_external_id(self, kind: str, name: str, value: str) -> Response:
        found = [id_ for id_, has in self.records.get(kind, {}).items() if has.get(name) == value]
        if len(found) > 1:
            return _json([f"/services/data/v64.0/sobjects/{kind}/{id_}" for id_ in found], 300)
        if not found:
            return _json([{"errorCode": "NOT_FOUND", "message": "no such record"}], 404)
        return _json({"Id": found[0]})

    def _query(self, query: str) -> Response:
        found = re.fullmatch(
            r"SELECT Id FROM (\w+) WHERE (\w+) = '((?:[^'\\]|\\.)*)' ORDER BY CreatedDate DESC LIMIT 1", query
        )
        assert found is not None, query
        value = re.sub(r"\\(.)", r"\1", found[3])
        ids = [id_ for id_, has in self.records.get(found[1], {}).items() if has.get(found[2]) == value]
        return _json({"totalSize": len(ids), "done": True, "records": [{"Id": id_} for id_ in ids[-1:]]})
