"""The table of endpoints: method and path, what they take, what answers them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from recoup.sandbox.http.errors import Doc
from recoup.sandbox.http.params import Fields, Params
from recoup.sandbox.work import Work


@dataclass(frozen=True)
class Call:
    """One request to an endpoint: the transaction, the path's parameters and the request's."""

    work: Work
    path: dict[str, str]
    params: Params

    @property
    def id(self) -> str:
        """The object that the path names."""
        return self.path["id"]


Handler = Callable[[Call], Doc]


@dataclass(frozen=True)
class Endpoint:
    """One endpoint. ``locks`` says that it holds the object in its path while it works."""

    method: str
    template: str
    params: Fields
    handler: Handler
    locks: bool
    pattern: re.Pattern[str]


class Router:
    """Endpoints, found by method and path."""

    def __init__(self) -> None:
        self.endpoints: list[Endpoint] = []

    def add(
        self, method: str, template: str, params: Fields, *, locks: bool = False
    ) -> Callable[[Handler], Handler]:
        """Register the decorated function as the answer to ``METHOD /v1/template``; ``{id}`` stands for one part."""
        pattern = re.compile("^" + re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", template) + "$")

        def register(handler: Handler) -> Handler:
            self.endpoints.append(Endpoint(method, template, params, handler, locks, pattern))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Endpoint, dict[str, str]] | None:
        """The endpoint and the path's parameters; earlier ones win."""
        for endpoint in self.endpoints:
            match = endpoint.pattern.match(path)
            if match and endpoint.method == method:
                return endpoint, match.groupdict()
        return None


router = Router()


def given(params: Params, *names: str) -> dict[str, Any]:
    """Those of the named parameters that the request has."""
    return {name: params[name] for name in names if name in params}
