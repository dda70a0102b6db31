"""Faults on request: answers refused, late or lost, webhooks doubled, held back or dropped.

A rule names what it meets (method and path of requests, or the type of events), what happens then, and how often.
"""

from __future__ import annotations

import fnmatch
import threading
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from recoup.errors import ConfigurationError

RequestFault = Literal[
    "rate_limit", "error_before", "error_after", "lose_answer", "refuse_connection", "delay"
]
WebhookFault = Literal["duplicate", "shuffle", "hold", "drop", "fail"]

_REQUEST_FAULTS = ("rate_limit", "error_before", "error_after", "lose_answer", "refuse_connection", "delay")


class FaultRule(BaseModel):
    """One rule; ``hits`` counts how often it took effect, ``met`` how often it matched."""

    model_config = ConfigDict(extra="forbid")

    fault: RequestFault | WebhookFault
    method: str = "*"
    path: str = "*"
    event: str = "*"
    count: Annotated[int, Field(ge=1)] | None = None
    nth: Annotated[int, Field(ge=1)] | None = None
    seconds: Annotated[float, Field(ge=0, le=10**7)] = 0.0
    times: Annotated[int, Field(ge=1, le=100)] = 1
    status: Annotated[int, Field(ge=400, le=599)] | None = None
    hits: int = 0
    met: int = 0

    @model_validator(mode="after")
    def _fits(self) -> FaultRule:
        if self.fault in _REQUEST_FAULTS and self.event != "*":
            raise ValueError(f"{self.fault} is about requests: it has method and path, no event")
        if self.fault not in _REQUEST_FAULTS and (self.method, self.path) != ("*", "*"):
            raise ValueError(f"{self.fault} is about webhooks: it has event, no method and no path")
        return self


class Faults:
    """The rules in force, in the order in which they were given."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []
        self._lock = threading.Lock()

    def add(self, given: Any) -> FaultRule:
        """Put a rule in force; ConfigurationError says what is wrong with it."""
        try:
            rule = FaultRule.model_validate(given)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(str(part) for part in first["loc"]) or "fault"
            raise ConfigurationError(f"Fault rule, {place}: {first['msg']}") from None
        with self._lock:
            self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """No rules any more."""
        with self._lock:
            self._rules.clear()

    def all(self) -> list[dict[str, Any]]:
        """Every rule with its counts."""
        with self._lock:
            return [rule.model_dump() for rule in self._rules]

    def for_request(self, method: str, path: str) -> list[FaultRule]:
        """The rules that take effect on this request; it counts as met and hit."""
        return self._strike(
            lambda rule: (
                rule.fault in _REQUEST_FAULTS
                and rule.method in ("*", method)
                and fnmatch.fnmatchcase(path, rule.path)
            )
        )

    def for_event(self, type_: str) -> list[FaultRule]:
        """The rules that take effect on the first delivery of an event of this type."""
        return self._strike(
            lambda rule: rule.fault not in _REQUEST_FAULTS and fnmatch.fnmatchcase(type_, rule.event)
        )

    def _strike(self, meets: Any) -> list[FaultRule]:
        struck = []
        with self._lock:
            for rule in self._rules:
                if not meets(rule):
                    continue
                rule.met += 1
                spent = rule.count is not None and rule.hits >= rule.count
                early = rule.nth is not None and rule.met < rule.nth
                late = rule.nth is not None and rule.count is None and rule.met > rule.nth
                if not (spent or early or late):
                    rule.hits += 1
                    struck.append(rule)
        return struck
