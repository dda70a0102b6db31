"""What figures are asked for: a time, and which cases."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Self

from pydantic import AwareDatetime, model_validator

from recoup.errors import ConfigurationError
from recoup.rules.base import Frozen

_MONTH = re.compile(r"(\d{4})-(\d{2})")


class Selection(Frozen):
    """A time from a moment, included, to another, excluded; and the cases of one currency, campaign or policy version.

    ``now`` is the moment of the look: how long an open case has been open is counted up to it.
    """

    now: AwareDatetime
    since: AwareDatetime | None = None
    until: AwareDatetime | None = None
    currency: str | None = None
    campaign: str | None = None
    policy_version: str | None = None

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.since and self.until and self.since >= self.until:
            raise ValueError("the time ends before it begins")
        return self

    @property
    def is_of_a_part(self) -> bool:
        """Whether it asks for some campaign or policy version only, which subscriptions without cases do not have."""
        return self.campaign is not None or self.policy_version is not None


def month_of(moment: datetime) -> str:
    """The month of a moment, in UTC: ``2026-11``."""
    return moment.astimezone(UTC).strftime("%Y-%m")


def month_bounds(month: str) -> tuple[datetime, datetime]:
    """The first moments of a month and of the next one, in UTC.

    Raises:
        ConfigurationError: that is no month.
    """
    found = _MONTH.fullmatch(month)
    if found is None or not 1 <= int(found[2]) <= 12:
        raise ConfigurationError(f"{month} is no month: write it like 2026-11")
    first = datetime(int(found[1]), int(found[2]), 1, tzinfo=UTC)
    return first, next_month(first)


def next_month(first: datetime) -> datetime:
    """The first moment of the month after the one that begins so."""
    return first.replace(year=first.year + first.month // 12, month=first.month % 12 + 1)
