"""What an operator can do to a case from its page: each act, what it takes, and what it would bring about.

Every word is an update of the workflow, made and sent as ``recoup case`` does it; its effect is what the rules themselves
foresee. Nothing here decides anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from activities.people_contracts import Running, Word
from recoup.ledger import Result
from recoup.rules import telling_now
from recoup.rules.case import Case, Template
from recoup.rules.foreseeing import Asked, foresee
from recoup.rules.people import StopEnding
from recoup.temporal.words import Payload, request_for
from recoup.web.console.doors import Visit

E = TypeVar("E", bound=StrEnum)

LONGEST_REASON = 500
_A_MOMENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done."""

    word: str
    """The update's name."""
    takes: tuple[str, ...] = ()
    """What it needs besides a reason: ``days``, ``until``, ``to``, ``ending``, ``template``, ``running``, ``campaign``."""
    optional: tuple[str, ...] = ()
    grave: bool = False
    """Whether it cannot be undone."""


ACTS: dict[str, Act] = {
    act.word.replace("_", "-"): act
    for act in (
        Act("retry_now"),
        Act("pause_until", ("until",)),
        Act("resume"),
        Act("promise_to_pay", ("until",)),
        Act("approve", grave=True),
        Act("refuse_suspension", ("days",)),
        Act("extend_grace", ("days",)),
        Act("send_message", ("template",)),
        Act("change_policy", ("running",), optional=("campaign",)),
        Act("assign", optional=("to",)),
        Act("hand_over", optional=("to",)),
        Act("note"),
        Act("mark_paid_outside", grave=True),
        Act("stop", optional=("ending",), grave=True),
        Act("exclude", grave=True),
    )
}
"""By the name in the address, which is the word of ``recoup case``; in the order of the page."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """An act as a form asks for it."""

    act: Act
    asked: Asked
    request: str
    """The same form sent twice is one word."""
    typed: Mapping[str, str]
    wrong: tuple[str, ...] = ()
    """The names of fields that are missing or cannot be read."""
    running: Running = Running.NEXT_STEP
    """For another policy: what of it a running case takes."""

    @property
    def is_complete(self) -> bool:
        """Whether it can be said as it stands."""
        return not self.wrong

    def note(self, visit: Visit, case_id: str, result: Result, because: str) -> None:
        """Write down what became of it."""
        data = {name: value for name, value in self.typed.items() if value and name != "reason"}
        visit.log(
            f"case.{self.act.word}",
            case_id=case_id,
            reason=self.asked.reason,
            result=result,
            because=because,
            data=data,
        )

    def payload(self, at: datetime) -> Payload:
        """What the update takes; the same as `recoup case` makes of the same words."""
        said: dict[str, Any] = {"at": at, "operator": self.asked.operator, "reason": self.asked.reason}
        if "days" in self.act.takes:
            said["days"] = self.asked.days
        if "until" in self.act.takes:
            said["until"] = self.asked.until
        if "template" in self.act.takes:
            said["template"] = self.asked.template
        if "ending" in self.act.optional:
            said["ending"] = self.asked.ending
        if "to" in self.act.optional and self.asked.to is not None:
            said["to"] = self.asked.to
        return request_for(self.act.word, **said)


def wanted(act: Act, form: Mapping[str, str], operator: str, now: datetime, zone: str) -> Wanted:
    """Read a form."""
    typed = {name: form.get(name, "").strip() for name in ("reason", *act.takes, *act.optional)}
    days, until = _number(typed.get("days")), _moment(typed.get("until"), zone)
    ending, template = _one_of(StopEnding, typed.get("ending")), _one_of(Template, typed.get("template"))
    running = _one_of(Running, typed.get("running"))
    asked = Asked(
        word=act.word,
        operator=operator,
        reason=typed["reason"][:LONGEST_REASON],
        days=days or 0,
        until=until,
        to=typed.get("to") or None,
        ending=ending or StopEnding.KEEP,
        template=template or Template.REMINDER,
    )
    missing = {
        "reason": not typed["reason"],
        "days": not (days and 0 < days <= 365),
        "until": until is None,
        "template": template is None,
        "running": running not in (Running.NEXT_STEP, Running.DRAIN),
    }
    wrong = [name for name in ("reason", *act.takes) if missing[name]]
    wrong += ["ending"] if typed.get("ending") and ending is None else []
    request = form.get("request") or secrets.token_urlsafe(12)
    made = Wanted(
        act,
        asked,
        f"console-{request.removeprefix('console-')[:60]}",
        typed,
        tuple(wrong),
        running or Running.NEXT_STEP,
    )
    return made if wrong else _checked(made, now)


def _checked(made: Wanted, now: datetime) -> Wanted:
    """What does not fit the update's own type is wrong here already."""
    try:
        Word(at=now, reason=made.asked.reason, operator=made.asked.operator)
        if "running" not in made.act.takes:
            made.payload(now)
    except ValidationError as error:
        named = tuple(str(each["loc"][-1]) for each in error.errors())
        return replace(made, wrong=named)
    return made


def offered(case: Case, operator: str, now: datetime) -> dict[str, str | None]:
    """Each act by its name, with why the case would refuse it now; what needs a date is judged without it."""
    found: dict[str, str | None] = {}
    for name, act in ACTS.items():
        some = telling_now.offered(case.campaign)[0]
        asked = Asked(word=act.word, operator=operator, days=1, until=now + _A_MOMENT, template=some)
        found[name] = foresee(case, asked, now).refused
    return found


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", "."))
    except ValueError:
        return None


def _one_of(kind: type[E], text: str | None) -> E | None:
    return next((each for each in kind if each.value == text), None)


def _moment(text: str | None, zone: str) -> datetime | None:
    """A moment as a browser's form writes it, in the zone of the page."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
