"""What an operator can do to a case from its page: each act, what it takes, and what it would bring about.

Every word is an update of the workflow, made and sent as ``recoup case`` does it; its effect is what the rules themselves
foresee. Nothing here decides anything.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from activities.people_contracts import Word
from recoup.errors import RecoupError
from recoup.ledger import CaseRow, ReserveAttempt, Result
from recoup.rules.case import Case, Trigger
from recoup.rules.codes import scheme_of
from recoup.rules.foreseeing import Asked, Foreseen, foresee
from recoup.rules.networks import Permission, may_attempt
from recoup.rules.people import StopEnding
from recoup.temporal.words import Payload, request_for
from recoup.web.console.desk import Desk
from recoup.web.console.doors import Visit
from recoup.web.console.stripe_view import Collecting

LONGEST_REASON = 500
_A_MOMENT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Act:
    """One thing that can be done."""

    word: str
    """The update's name."""
    takes: tuple[str, ...] = ()
    """What it needs besides a reason: ``days``, ``until``, ``to``, ``ending``."""
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
        if "ending" in self.act.optional:
            said["ending"] = self.asked.ending
        if "to" in self.act.optional and self.asked.to is not None:
            said["to"] = self.asked.to
        return request_for(self.act.word, **said)


def wanted(act: Act, form: Mapping[str, str], operator: str, now: datetime, zone: str) -> Wanted:
    """Read a form."""
    typed = {name: form.get(name, "").strip() for name in ("reason", *act.takes, *act.optional)}
    days, until = _number(typed.get("days")), _moment(typed.get("until"), zone)
    ending = _ending(typed.get("ending"))
    asked = Asked(
        word=act.word,
        operator=operator,
        reason=typed["reason"][:LONGEST_REASON],
        days=days or 0,
        until=until,
        to=typed.get("to") or None,
        ending=ending or StopEnding.KEEP,
    )
    wrong = [] if typed["reason"] else ["reason"]
    wrong += ["days"] if "days" in act.takes and not (days and 0 < days <= 365) else []
    wrong += ["until"] if "until" in act.takes and until is None else []
    wrong += ["ending"] if ending is None else []
    request = form.get("request") or secrets.token_urlsafe(12)
    made = Wanted(act, asked, f"console-{request.removeprefix('console-')[:60]}", typed, tuple(wrong))
    return made if wrong else _checked(made, now)


def _checked(made: Wanted, now: datetime) -> Wanted:
    """What does not fit the update's own type is wrong here already."""
    try:
        Word(at=now, reason=made.asked.reason, operator=made.asked.operator)
        made.payload(now)
    except ValidationError as error:
        named = tuple(str(each["loc"][-1]) for each in error.errors())
        return Wanted(made.act, made.asked, made.request, made.typed, named)
    return made


@dataclass(frozen=True, slots=True)
class Effect:
    """What an act would bring about, shown before it is done."""

    foreseen: Foreseen
    collecting: Collecting | None = None
    """What an attempt would be made with."""
    guard: Permission | None = None
    """The network guard's answer to an attempt at this moment."""
    unknown: str | None = None
    """Why the guard could not be asked."""


def effect_of(desk: Desk, row: CaseRow, case: Case, asked: Asked, now: datetime) -> Effect:
    """Work it out; for an attempt with what the guard says of the card that Stripe would charge."""
    foreseen = foresee(case, asked, now)
    if asked.word != "retry_now" or foreseen.refused is not None:
        return Effect(foreseen)
    try:
        collecting = desk.customers.collecting(row.invoice)
    except RecoupError as error:
        return Effect(foreseen, unknown=str(error))
    return Effect(foreseen, collecting, _guard(desk, row, collecting, now))


def offered(case: Case, operator: str, now: datetime) -> dict[str, str | None]:
    """Each act by its name, with why the case would refuse it now; what needs a date is judged without it."""
    found: dict[str, str | None] = {}
    for name, act in ACTS.items():
        asked = Asked(word=act.word, operator=operator, days=1, until=now + _A_MOMENT)
        found[name] = foresee(case, asked, now).refused
    return found


def _guard(desk: Desk, row: CaseRow, collecting: Collecting, now: datetime) -> Permission | None:
    """The answer that the ledger would have at this moment; bank debits answer for their debt, which the activity reads."""
    method = collecting.method
    if method is None or collecting.due.amount <= 0 or scheme_of(method.type) is not None:
        return None
    question = ReserveAttempt(
        invoice=row.invoice,
        case_id=row.id,
        request="asked",
        trigger=Trigger.MANUAL,
        payment_method=method.id,
        fingerprint=method.fingerprint or method.id,
        brand=method.brand,
        amount=collecting.due.amount,
        currency=collecting.due.currency,
    )
    counts = desk.ledger.attempts.seen(question, now)
    last = counts.final_no.decline if counts.final_no else None
    return may_attempt(method.brand, counts.attempts, last, now, desk.policy.policy.network_cap, method.type)


def _number(text: str | None) -> float | None:
    try:
        return float((text or "").replace(",", "."))
    except ValueError:
        return None


def _ending(text: str | None) -> StopEnding | None:
    return next((each for each in StopEnding if each.value == (text or StopEnding.KEEP)), None)


def _moment(text: str | None, zone: str) -> datetime | None:
    """A moment as a browser's form writes it, in the zone of the page."""
    try:
        moment = datetime.fromisoformat(text or "")
    except ValueError:
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=ZoneInfo(zone))
