"""Keeps every answer of the sandbox as it came, before the SDK read it. No socket is needed: requests stay in this process."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import stripe

from recoup.sandbox.http.api import Api, Incoming
from recoup.sandbox.http.routing import Router


@dataclass(frozen=True)
class Answered:
    """One answer, with the endpoint that gave it."""

    method: str
    template: str
    status: int
    body: Any


class InProcess(stripe.HTTPClient):
    """Carries the SDK's requests straight to the sandbox and keeps the answers."""

    name = "in-process"

    def __init__(self, api: Api, table: Router) -> None:
        super().__init__()
        self._api = api
        self._table = table
        self.answers: list[Answered] = []

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer one request of the SDK."""
        parts = urlsplit(url)
        lower = {name.lower(): value for name, value in (headers or {}).items()}
        verb = method.upper()
        answer = self._api.answer(Incoming(verb, parts.path, parts.query, lower, post_data or ""))
        found = self._table.find(verb, parts.path)
        assert found is not None, f"{verb} {parts.path}"
        self.answers.append(Answered(verb, found[0].template, answer.status, json.loads(answer.body)))
        return answer.body, answer.status, {"Request-Id": "req_tour"}

    def close(self) -> None:
        """There is nothing to close."""
