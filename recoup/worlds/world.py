"""A world: the issuers and customers that the sandbox and the simulator answer from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cached_property
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import Field, StringConstraints, field_validator, model_validator

from recoup.worlds import issuer
from recoup.worlds._base import Key, Part
from recoup.worlds.customers import Customer, OwnAct, Reaction, Text
from recoup.worlds.issuer import IssuerAnswer, PastAttempt, PaymentRequest
from recoup.worlds.methods import Card, Debit, Method

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


Misreference = tuple[tuple[str | int, ...], str, str]
"""A place, the name that stands there, and what is wrong with it."""


class NextMoment(Part):
    """The next time that it is this hour on this weekday."""

    weekday: Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
    """The day, in English and small letters."""
    time: Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
    """The hour, as in `"09:00"`."""
    timezone: str = "UTC"
    """IANA name of the time zone of both."""

    @field_validator("timezone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"{name!r} is no IANA time zone, such as Europe/Warsaw")
        return name

    def after(self, now: datetime) -> datetime:
        """The first such moment that is not before ``now``, in UTC."""
        local = now.astimezone(ZoneInfo(self.timezone))
        hour, minute = (int(part) for part in self.time.split(":"))
        ahead = (_WEEKDAYS.index(self.weekday) - local.weekday()) % 7
        moment = local.replace(hour=hour, minute=minute, second=0, microsecond=0) + timedelta(days=ahead)
        if moment < local:
            moment += timedelta(days=7)
        return moment.astimezone(now.tzinfo)


class World(Part):
    """Issuers and customers, as one file describes them."""

    version: Literal[1]
    """The version of this format; 1."""
    name: Text
    """A short name, shown where the world runs."""
    about: Annotated[str, StringConstraints(max_length=2000)] | None = None
    """What the world is for."""
    seed: int = Field(default=0, ge=0, le=2**63 - 1)
    """Feeds everything that is drawn by chance; the same seed gives the same answers."""
    start: Literal["now"] | datetime | NextMoment = "now"
    """When it starts: `now`, a moment (ISO 8601 with an offset), or the next such weekday and time."""
    cards: Mapping[Key, Card] = Field(default_factory=dict)
    """The cards, each under its key."""
    debits: Mapping[Key, Debit] = Field(default_factory=dict)
    """The bank accounts that are debited, each under its key."""
    customers: Mapping[Key, Customer]
    """The customers, each under its key."""

    @field_validator("start")
    @classmethod
    def _aware(cls, start: Any) -> Any:
        if isinstance(start, datetime) and start.tzinfo is None:
            raise ValueError("the moment needs an offset, as in 2026-12-01T09:00:00Z")
        return start

    @field_validator("cards")
    @classmethod
    def _every_card_has_a_number(cls, cards: Mapping[str, Card]) -> Mapping[str, Card]:
        return {key: card.with_number(key) for key, card in cards.items()}

    @model_validator(mode="after")
    def _keys_are_told_apart(self) -> World:
        for key in self.debits:
            if key in self.cards:
                raise ValueError(f"{key} is the key of a card and of a debit; rename one")
        seen: dict[str, str] = {}
        for key, card in self.cards.items():
            for name in (card.number or "", *card.ids):
                other = seen.setdefault(name, key)
                if other != key:
                    raise ValueError(f"the cards {other} and {key} both have {name}; each card has its own")
        return self

    # -- time ------------------------------------------------------------------------------------------------------

    def starts_at(self, now: datetime) -> datetime:
        """The moment at which this world starts when it is set up at ``now``."""
        if isinstance(self.start, NextMoment):
            return self.start.after(now)
        return now if self.start == "now" else self.start

    @property
    def is_dated(self) -> bool:
        """Whether it starts on a date and its issuers act by the calendar: begun later it would be another world."""
        phases = (phase for method in self.methods.values() for phase in method.issuer)
        return isinstance(self.start, datetime) and any(phase.until_at for phase in phases)

    # -- what customers pay with -----------------------------------------------------------------------------------

    @cached_property
    def methods(self) -> dict[str, Method]:
        """Every card and debit of this world under its key."""
        return {**self.cards, **self.debits}

    def card_with_number(self, number: str) -> str | None:
        """The key of the card with this number; spaces and dashes do not count."""
        wanted = number.replace(" ", "").replace("-", "")
        return next((key for key, card in self.cards.items() if card.number == wanted), None)

    def issuer_answer(
        self, key: str, request: PaymentRequest, history: Sequence[PastAttempt], now: datetime
    ) -> IssuerAnswer:
        """What the issuer behind the card or debit ``key`` says to this request.

        ``history`` holds every earlier attempt to charge the same method, oldest first, over all invoices and customers.
        Raises ``KeyError`` when this world has no such method.
        """
        return issuer.answer(self.methods[key], request, history, now, key=key, seed=self.seed)

    # -- what customers do -----------------------------------------------------------------------------------------

    def reactions(self, customer: str, messages: Sequence[str]) -> tuple[Reaction, ...]:
        """What the customer does about the last of ``messages``, the templates of all messages so far in their order.

        A reaction belongs to one message only: asking again with one more message never returns it a second time.
        """
        if not messages:
            return ()
        return tuple(
            act
            for act in self.customers[customer].behaviour
            if isinstance(act, Reaction)
            and act.on in ("any", messages[-1])
            and sum(act.on in ("any", template) for template in messages) == act.nth
        )

    def own_acts(self, customer: str) -> tuple[OwnAct, ...]:
        """What the customer does without a message, counted from the first failed payment."""
        return tuple(act for act in self.customers[customer].behaviour if isinstance(act, OwnAct))

    # -- references ------------------------------------------------------------------------------------------------

    def misreferences(self) -> Iterator[Misreference]:
        """Every place that names a card or debit which does not exist or does not fit."""
        for key, customer in self.customers.items():
            place: tuple[str | int, ...] = ("customers", key)
            payers = [((*place, "pays_with"), customer.pays_with)]
            for number, subscription in enumerate(customer.subscriptions):
                payers.append(((*place, "subscriptions", number, "pays_with"), subscription.pays_with))
            for where, name in payers:
                if name is not None and name not in self.methods:
                    yield where, name, f"no card or debit is called {name!r}"
            for number, act in enumerate(customer.behaviour):
                if act.card is not None and act.card not in self.cards:
                    yield (*place, "behaviour", number, "with"), act.card, f"no card is called {act.card!r}"
