"""JSON Lines: a case a line in, a decision a line out; and the attempts from which a model learns.

The form is that of ``docs/timing.md`` and stays as it is: keys are added, never renamed. A line that cannot be used is answered with
``{"line": n, "case": …, "error": "one sentence"}``; the others go on.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from datetime import timedelta
from functools import lru_cache
from typing import Any, Literal

from pydantic import AwareDatetime, Field, ValidationError

from recoup.rules.base import Wire
from recoup.rules.declines import Decline
from recoup.timing._stories import Stories
from recoup.timing.planner import plan
from recoup.timing.situation import Limits, Situation, Tried

Outcome = Literal["approved", "declined", "updated", "cancelled"]


class DeclineLine(Wire):
    """What the bank said."""

    code: str = "generic_decline"
    advice: str | None = None
    network_code: str | None = None
    network_advice: str | None = None

    def as_decline(self, brand: str | None) -> Decline:
        """The same in the rules' words."""
        return _decline(self.code, self.advice, self.network_code, self.network_advice, brand)


@lru_cache(maxsize=4096)
def _decline(
    code: str, advice: str | None, network_code: str | None, network_advice: str | None, brand: str | None
) -> Decline:
    """A decline; kept, because the same few come again and again."""
    return Decline(
        code=code,
        advice_code=advice,
        network_decline_code=network_code,
        network_advice_code=network_advice,
        brand=brand,
    )


class Context(Wire):
    """What is known of a case whatever happens to it."""

    case: str
    first_failed_at: AwareDatetime
    amount: int = Field(default=0, ge=0)
    currency: str = "usd"
    country: str | None = None
    timezone: str | None = None
    brand: str | None = None
    funding: str | None = None
    issuer: str | None = None
    tenure_days: float | None = None
    payer_successes: tuple[AwareDatetime, ...] = ()


class AttemptSoFar(Wire):
    """One attempt of a case that waits for a decision."""

    number: int = Field(ge=1)
    at: AwareDatetime
    decline: DeclineLine | None = None
    outcome: Outcome = "declined"


class CaseLine(Context):
    """A case that waits for a decision."""

    now: AwareDatetime
    attempts: tuple[AttemptSoFar, ...] = Field(min_length=1)


class AttemptLine(Context):
    """One attempt of the past, or another end of a case."""

    at: AwareDatetime
    number: int = Field(ge=1)
    decline: DeclineLine | None = None
    propensity: float | None = Field(default=None, ge=0, le=1)
    outcome: Outcome
    scheduled: bool = True
    """Whether a schedule or a plan chose the moment. What a customer, an operator or somebody else set in motion stands in the
    history of the attempts that follow, and is no example itself: they knew why they tried just then."""


def situation_of(context: Context, now: AwareDatetime, tried: Iterable[Tried]) -> Situation:
    """A case as the planner sees it."""
    return Situation(
        now=now,
        first_failed_at=context.first_failed_at,
        tried=tuple(tried),
        amount=context.amount,
        currency=context.currency.lower(),
        country=context.country.upper() if context.country else None,
        timezone=context.timezone,
        brand=context.brand.lower() if context.brand else None,
        funding=context.funding,
        issuer=context.issuer,
        tenure_days=context.tenure_days,
        payer_successes=context.payer_successes,
        case=context.case,
    )


_as_json = json.JSONEncoder(ensure_ascii=False).encode


def decided(
    lines: Iterable[str], stories: Stories, *, window_days: float, attempts: int, first: int = 1
) -> Iterator[str]:
    """An answer for each line, in their order; ``attempts`` counts the retries after the first failure.

    ``first`` is the number of the first line, for what is said of mistakes.
    """
    for number, line in enumerate(lines, first):
        if line.strip():
            yield _as_json(_answer(number, line, stories, window_days, attempts))


def _answer(number: int, line: str, stories: Stories, window_days: float, attempts: int) -> dict[str, Any]:
    try:
        asked = CaseLine.model_validate_json(line)
    except ValidationError as error:
        return refusal(number, line, error)
    if ended := next((made for made in asked.attempts if made.outcome != "declined"), None):
        return {
            "case": asked.case,
            "at": None,
            "expected": 0.0,
            "because": f"the case has ended: {ended.outcome}",
        }
    brand = asked.brand.lower() if asked.brand else None
    tried = (Tried(made.at, (made.decline or DeclineLine()).as_decline(brand)) for made in asked.attempts)
    situation = situation_of(asked, asked.now, tried)
    limits = Limits(
        until=asked.first_failed_at + timedelta(days=window_days),
        attempts_left=attempts - (len(asked.attempts) - 1),
    )
    said = plan(stories, situation, limits)
    at = said.at.isoformat().replace("+00:00", "Z") if said.at else None
    return {"case": asked.case, "at": at, "expected": said.expected, "because": said.because}


def refusal(number: int, line: str, error: ValidationError) -> dict[str, Any]:
    """What is answered to a line that cannot be used: where it is wrong, and how."""
    first = error.errors()[0]
    place = ".".join(str(step) for step in first["loc"]) or "the line"
    try:
        said = json.loads(line)
    except ValueError:
        said = None
    case = said.get("case") if isinstance(said, dict) else None
    return {"line": number, "case": case, "error": f"line {number}: {place}: {first['msg']}"}
