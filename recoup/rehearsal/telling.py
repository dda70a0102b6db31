"""What a scenario came to, as lines in the order in which everything happened: for programs, and for the text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from recoup.demo.report import against_access, against_books, all_events
from recoup.demo.timeline import in_words
from recoup.ledger import CaseRow, EventRow
from recoup.messages import OutboxMail
from recoup.rehearsal.cast import MOST_CASES
from recoup.rehearsal.playing import Played
from recoup.rules.declines import Decline, read
from recoup.rules.money import Money
from recoup.rules.money import in_words as amount_in_words

_TOLD_BY_DEEDS = ("link_opened", "link_used")
"""What customers do is told by what they did, not by the traces that it left."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened."""

    at: datetime
    day: int
    """Whole days after the first failed payment, by the customer's own clock."""
    kind: str
    """As in a timeline of ``recoup demo``, and ``operator`` and ``network`` for what these do."""
    what: str
    because: str | None
    customer: str | None
    """The key in the scenario."""
    about: str | None
    """The product whose payment it is about; None where it is about all."""
    case: str | None
    mail: tuple[str, str] | None = None
    """Subject and text of the message that went out."""
    locale: str | None = None

    def as_json(self) -> dict[str, Any]:
        """The line as ``--json`` writes it."""
        told: dict[str, Any] = {
            "at": self.at.isoformat(timespec="seconds"),
            "day": self.day,
            "kind": self.kind,
            "what": self.what,
            "because": self.because,
            "customer": self.customer,
            "about": self.about,
            "case": self.case,
        }
        if self.mail is not None:
            told["message"] = {"subject": self.mail[0], "text": self.mail[1], "locale": self.locale}
        return told


@dataclass(frozen=True, slots=True)
class Ended:
    """How one case ended."""

    row: CaseRow
    customer: str
    about: str
    expected: str | None

    @property
    def outcome(self) -> str:
        """The outcome, ``open`` where there is none."""
        return self.row.outcome.value if self.row.outcome else "open"

    @property
    def because(self) -> str:
        """Why."""
        return self.row.because or self.row.next_because or "nothing more is due"

    def as_json(self) -> dict[str, Any]:
        """The case as ``--json`` writes it."""
        return {
            "case": self.row.id,
            "customer": self.customer,
            "about": self.about,
            "amount": self.row.amount,
            "currency": self.row.currency,
            "is_return": self.row.is_return,
            "outcome": self.outcome,
            "because": self.because,
            "expected": self.expected,
        }


@dataclass(frozen=True, slots=True)
class Story:
    """A whole scenario as it was played."""

    lines: tuple[Line, ...]
    cases: tuple[Ended, ...]
    attempts: int
    """How many attempts Recoup made."""
    messages: int
    problems: tuple[str, ...]
    """What was not as the scenario expects, or not as it must be; empty when all is well."""


class Teller:
    """Puts the story together from what everybody wrote down for themselves."""

    def __init__(self, played: Played) -> None:
        self._played = played
        self._rows = sorted(
            played.ledger.cases.list_all(limit=MOST_CASES), key=lambda row: (row.failed_at, row.opened_at)
        )
        self._mails = {mail.key: mail for mail in played.outbox.list()}

    def story(self) -> Story:
        """All of it."""
        events = list(all_events(self._played.ledger))
        attempts = sum(event.kind == "attempt_sent" for event in events)
        cases = tuple(self._ended(row) for row in self._rows)
        return Story(
            lines=tuple(self._lines(events)),
            cases=cases,
            attempts=attempts,
            messages=len(self._mails),
            problems=tuple(self._problems(cases, attempts)),
        )

    # -- lines ---------------------------------------------------------------------------------------------------------

    def _lines(self, events: list[EventRow]) -> list[Line]:
        placed: list[tuple[tuple[datetime, int, int], Line]] = []
        latest = self._played.began
        for event in events:
            latest = max(latest, event.at)  # decisions are dated in whole seconds
            if (line := self._line(event, latest)) is not None:
                placed.append(((latest, 1, event.id), line))
        for number, deed in enumerate(self._played.deeds):
            line = self._plain(deed.at, deed.who, deed.what, deed.because, deed.customer)
            placed.append(((deed.at, 0, number), line))
        return [line for _, line in sorted(placed, key=lambda each: each[0])]

    def _line(self, event: EventRow, at: datetime) -> Line | None:
        exact = next((row for row in self._rows if self._is_about(event, row)), None)
        row = exact or next((row for row in self._rows if row.customer == event.customer), None)
        if row is None or event.kind in _TOLD_BY_DEEDS:
            return None
        told = in_words(event, row)
        if told is None:
            return None
        kind, what, because = told
        if kind in ("charge", "attempt") and event.data.get("decline"):
            because = _said(event.data["decline"])
        if kind == "attempt" and "amount" in event.data:
            due = Money(amount=event.data["amount"], currency=event.data["currency"])
            number = f"attempt {event.data.get('attempt')}"
            what = what.replace(number, f"{number} of {amount_in_words(due)}")
        mail = self._mails.get(str(event.data.get("message"))) if event.kind == "message_sent" else None
        return Line(
            at,
            self._day(at, row),
            kind,
            what,
            because,
            self._key_of(row),
            about=self._about(exact) if exact else None,
            case=exact.id if exact else None,
            mail=self._text_of(mail),
            locale=mail.locale if mail else None,
        )

    def _plain(self, at: datetime, kind: str, what: str, because: str | None, customer: str | None) -> Line:
        row = next((row for row in self._rows if self._key_of(row) == customer), None)
        return Line(at, self._day(at, row), kind, what, because, customer, None, None)

    def _is_about(self, event: EventRow, row: CaseRow) -> bool:
        """Whether it is about this case, and not about all of a customer's."""
        if event.case_id is not None:
            return row.id == event.case_id
        if event.invoice is not None:
            return row.invoice == event.invoice
        return (
            row.customer == event.customer and sum(each.customer == row.customer for each in self._rows) == 1
        )

    def _day(self, at: datetime, row: CaseRow | None) -> int:
        first = self._rows[0].failed_at if self._rows else self._played.began
        zone = self.zone_of(self._key_of(row) if row else None)
        return (at.astimezone(zone).date() - first.astimezone(zone).date()).days

    def zone_of(self, customer: str | None) -> ZoneInfo:
        """The customer's own clock; that of the first customer where it is about none."""
        customers = self._played.scenario.customers
        return ZoneInfo(customers[customer or next(iter(customers))].timezone)

    def _key_of(self, row: CaseRow) -> str:
        return self._played.seeded.key_of(row.customer) or row.customer

    def _about(self, row: CaseRow) -> str:
        key = self._key_of(row)
        for id_, wanted in zip(
            self._played.seeded.subscriptions[key],
            self._played.scenario.customers[key].subscriptions,
            strict=True,
        ):
            if id_ == row.subscription:
                return wanted.product
        return row.id

    def _text_of(self, mail: OutboxMail | None) -> tuple[str, str] | None:
        return None if mail is None else (mail.subject, (self._played.outbox.text(mail.id) or "").strip())

    # -- the end -------------------------------------------------------------------------------------------------------

    def _ended(self, row: CaseRow) -> Ended:
        key = self._key_of(row)
        wanted = self._played.scenario.customers[key]
        expected = wanted.expects_return if row.is_return else wanted.expects
        return Ended(row, key, self._about(row), expected)

    def _problems(self, cases: tuple[Ended, ...], attempts: int) -> Iterator[str]:
        played, scenario = self._played, self._played.scenario
        yield from played.stuck
        yield from (f"{id_}: {because}" for id_, because in played.problems.items())
        for ended in cases:
            if ended.expected is not None and ended.outcome != ended.expected:
                yield f"{ended.about}: {ended.expected} was expected, and it is {ended.outcome}: {ended.because}"
        for key, customer in scenario.customers.items():
            its = [ended for ended in cases if ended.customer == key]
            if customer.expects and not its:
                yield f"{key}: {customer.expects} was expected, and no payment failed"
            if customer.expects_return and not any(ended.row.is_return for ended in its):
                yield f"{key}: {customer.expects_return} was expected after the suspension, and nobody came back"
        yield from _too_many("attempts", attempts, scenario.attempts_at_most)
        yield from _too_many("messages", len(self._mails), scenario.messages_at_most)
        owed = [each for each in played.books if not each["paid_out_of_band"] and each["status"] != "draft"]
        yield from against_books(owed, self._rows)
        yield from against_access(played.company, self._rows)


def _too_many(what: str, number: int, most: int | None) -> Iterator[str]:
    if most is not None and number > most:
        yield f"at most {most} {what} were expected, and there were {number}"


def _said(decline: dict[str, Any]) -> str:
    """A refusal in words: the bank's code, and what it means."""
    reading = read(Decline.model_validate(decline))
    code = decline["code"]
    return f"{reading.because.removeprefix(f'{code}: ')} ({code}, {reading.decline_class})"
