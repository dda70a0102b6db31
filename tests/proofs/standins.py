"""What stands in, where lives are played, for time, for faults and for the company."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from unittest.mock import patch

from recoup.clock import FileClock
from recoup.demo.company import Company
from recoup.virtual.host import Try


class Standing:
    """A clock that stands until it is moved: for everything in this process, whatever the seconds that it takes."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self) -> datetime:
        """The moment it stands at."""
        return self.at

    @contextmanager
    def for_everybody(self) -> Iterator[None]:
        """Have those who would read the clock's file ask this one."""
        with patch.object(FileClock, "now", lambda _: self.at):
            yield


class Calm:
    """Nothing goes wrong but the post."""

    def before(self, this: Try) -> timedelta | None:
        return None

    @contextmanager
    def doing(self, this: Try) -> Iterator[None]:
        yield

    def after(self, this: Try) -> timedelta | None:
        return None

    def died(self, this: Try) -> timedelta:
        raise AssertionError("no worker dies here")

    def continues_as_new(self, workflow_id: str) -> bool:
        return False


class CountingCompany(Company):
    """A backend that counts every call, repeated ones too."""

    calls: list[tuple[str, str]]

    def hear(self, headers: dict[str, str], body: bytes) -> int:
        """Take a webhook and count it."""
        told = json.loads(body)
        self.calls.append((told["data"]["customer"], told["type"]))
        return super().hear(headers, body)
