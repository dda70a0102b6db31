"""What figures are made from: each debt once, with all that any figure asks of it, and what happened about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

import numpy as np

from recoup.figures.columns import DAY, NEVER, WORDS, Array, Frame, micros, moment
from recoup.figures.debts import ENDS, End
from recoup.figures.selection import Selection
from recoup.figures.values import Amounts, owed
from recoup.rules.case import Outcome
from recoup.rules.money import Money
from recoup.statistics.survival import Curve, Watched, incidence

NAMES = {"invoice": "S", "subscription": "S"}
"""Ids; nothing where there is none."""
DEBTS = {
    "failed_at": "i8", "closed_at": "i8", "opened_at": "i8", "asked_at": "i8", "amount": "i8", "messages": "i4",
    "came_back": "i4", "tries": "i4", "opened": "?", "updated": "?", "returned": "?", "outcome": WORDS,
    "currency": WORDS, "campaign": WORDS, "policy_version": WORDS, "first_code": WORDS,
}  # fmt: skip
"""``asked_at``: when a message first asked for the payment. ``messages``, ``came_back``, ``opened``, ``updated``: the conversation.
``tries``: attempts of its first case. ``returned``: whether a return collected it. ``first_code``: of its first refusal."""
TRIED = {
    "debt": "i4",
    "at": "i8",
    "number": "u1",
    "paid": "?",
    "trigger": WORDS,
    "brand": WORDS,
    "code": WORDS,
}
"""Attempts of ours; ``number``: which of the invoice's it was, 8 at most."""
OTHERS = {"debt": "i4", "at": "i8", "brand": WORDS, "code": WORDS}
"""Refused charges that were not ours."""
SENT = {"debt": "i4", "at": "i8", "channel": WORDS}
"""Messages that went out."""
REFUSED = {"debt": "i4", "at": "i8", "case": WORDS}
"""Attempts that the guard did not let through; ``case``: which one of the debt's."""


@dataclass(frozen=True)
class Facts:
    """Debts in the order in which they failed, and frames of what happened about them, whose ``debt`` is a place among them."""

    debts: Frame
    tried: Frame
    others: Frame
    sent: Frame
    refused: Frame
    names: Frame | None = None
    """The debts' ids, where they are known."""

    @cached_property
    def ends(self) -> Array:
        """How each debt stands: the place of its end in :class:`End`."""
        places = {end: place for place, end in enumerate(End)}
        found = (places[ENDS[Outcome(word) if word else None]] for word in self.debts.words["outcome"])
        return self.debts.looked_up("outcome", found, "i1")

    def ended(self, *ends: End) -> Array:
        """A mask of the debts that stand so."""
        if ends not in self._ended:
            self._ended[ends] = np.array([end in ends for end in End])[self.ends]
        return self._ended[ends]

    @cached_property
    def _ended(self) -> dict[tuple[End, ...], Array]:
        return {}

    @cached_property
    def amounts(self) -> Amounts:
        """What was owed, as rates of money are made from it."""
        return Amounts(self.debts["amount"], self.debts["currency"], self.debts.words["currency"])

    @cached_property
    def recovered(self) -> Array:
        """A mask of the debts that their first case collected."""
        return self.ended(End.RECOVERED)

    def failed_in(self, selection: Selection) -> Array:
        """A mask of the debts that failed in the selection's time."""
        return held(self.debts["failed_at"], selection)

    def owed(self, which: Array) -> tuple[Money, ...]:
        """What some of the debts come to, by currency; a mask."""
        amounts, currencies = self.debts["amount"][which], self.debts["currency"][which]
        return owed(amounts, currencies, self.debts.words["currency"])

    def lasted(self, now: datetime) -> Array:
        """How many days each was in recovery, until now where it is open."""
        closed = self.debts["closed_at"]
        until = np.where(closed == NEVER, micros(now), closed)
        days: Array = np.maximum(0, until - self.debts["failed_at"]) / DAY
        return days

    def watched(self, now: datetime) -> Watched:
        """The same as what survival is estimated from; open ones go on."""
        if now not in self._watched:
            self._watched[now] = Watched(self.lasted(now), np.where(self.ended(End.OPEN), -1, self.ends))
        return self._watched[now]

    @cached_property
    def _watched(self) -> dict[datetime, Watched]:
        return {}

    def incidence(self, now: datetime) -> Curve:
        """The cumulative incidence of recovery, in days; cancelled, suspended and written off compete, open is censored."""
        if now not in self._incidence:
            self._incidence[now] = incidence(self.watched(now), list(End).index(End.RECOVERED))
        return self._incidence[now]

    @cached_property
    def _incidence(self) -> dict[datetime, Curve]:
        return {}

    def counted(self, selection: Selection) -> Facts:
        """The debts that failed in the selection's time and are in its rates, alone."""
        time = selection.since, selection.until
        if time not in self._counted:
            which = self.failed_in(selection) & ~self.ended(End.LEFT_OUT)
            self._counted[time] = self.alone().take(which)
        return self._counted[time]

    @cached_property
    def _counted(self) -> dict[tuple[datetime | None, datetime | None], Facts]:
        return {}

    def subscriptions(self, which: Array) -> list[tuple[str, datetime, datetime | None]]:
        """Of some of the debts the subscription, empty where it is of none, when it failed, and when its case closed."""
        assert self.names is not None
        names, failed, closed = self.names["subscription"], self.debts["failed_at"], self.debts["closed_at"]
        rows = zip(names[which].tolist(), failed[which].tolist(), closed[which].tolist(), strict=True)
        return [(name.decode(), moment(at), None if end == NEVER else moment(end)) for name, at, end in rows]

    def concerned(self, selection: Selection) -> Facts:
        """Those asked for, whenever they failed."""
        asked = {name: getattr(selection, name) for name in ("currency", "campaign", "policy_version")}
        masks = [self.debts.says(name, value) for name, value in asked.items() if value is not None]
        return self.take(np.all(masks, axis=0)) if masks else self

    def without(self, invoices: frozenset[str]) -> Facts:
        """All but these."""
        if not invoices or self.names is None:
            return self
        return self.take(~np.isin(self.names["invoice"], [each.encode() for each in invoices]))

    def take(self, which: Array) -> Facts:
        """Some of the debts, by a mask, with what happened about them."""
        if which.all():
            return self
        places = np.cumsum(which) - 1

        def of(frame: Frame) -> Frame:
            mine = frame.take(which[frame["debt"]])
            return mine.having(debt=places[mine["debt"]].astype("i4"))

        about = {name: of(frame) for name, frame in self.about().items()}
        names = self.names.take(which) if self.names is not None else None
        return Facts(debts=self.debts.take(which), names=names, **about)

    def alone(self, where: slice = slice(None)) -> Facts:
        """The debts without what happened about them; those between two places, which are not copied."""
        names = self.names.between(where) if self.names is not None else None
        return replace(NOTHING, debts=self.debts.between(where), names=names)

    def in_order(self) -> Facts:
        """In the order in which they failed, of the same moment by their invoices; what happened follows theirs.

        So the same facts are the same bytes, whenever and in how many parts they came.
        """
        assert self.names is not None
        order = np.lexsort((self.names["invoice"], self.debts["failed_at"]))
        places = np.empty(len(order), "i4")
        places[order] = np.arange(len(order), dtype="i4")
        moved = {name: _moved(frame, places) for name, frame in self.about().items()}
        return Facts(debts=self.debts.take(order), names=self.names.take(order), **moved)

    def about(self) -> dict[str, Frame]:
        """The frames of what happened, by their names."""
        return {"tried": self.tried, "others": self.others, "sent": self.sent, "refused": self.refused}

    def latest(self) -> int:
        """The latest moment of all, so that a time after it has nothing of this."""
        columns = [
            self.debts["failed_at"],
            self.debts["closed_at"],
            *(each["at"] for each in self.about().values()),
        ]
        return max((int(column.max()) for column in columns if len(column)), default=int(NEVER))

    def to_bytes(self) -> bytes:
        """Everything but the names."""
        parts = [self.debts.to_bytes(), *(frame.to_bytes() for frame in self.about().values())]
        return b"".join(len(part).to_bytes(8, "little") + part for part in parts)

    @classmethod
    def from_bytes(cls, data: bytes, names: bytes = b"") -> Facts:
        """What was written so."""
        frames, place, whole = [], 0, memoryview(data)
        while place < len(data):
            begin = place + 8
            place = begin + int.from_bytes(whole[place:begin], "little")
            frames.append(Frame.from_bytes(whole[begin:place]))
        debts, tried, others, sent, refused = frames
        return cls(debts, tried, others, sent, refused, Frame.from_bytes(names) if names else None)

    @classmethod
    def join(cls, parts: Sequence[Facts]) -> Facts:
        """One below the other, nothing where there is none."""
        if not parts:
            return NOTHING
        begins = np.cumsum([0, *(len(part.debts) for part in parts[:-1])]).tolist()
        frames = {
            name: Frame.join(
                [
                    part.about()[name].having(debt=part.about()[name]["debt"] + begin)
                    for part, begin in zip(parts, begins, strict=True)
                ]
            )
            for name in parts[0].about()
        }
        names = [part.names for part in parts if part.names is not None]
        return cls(
            Frame.join([part.debts for part in parts]),
            **frames,
            names=Frame.join(names) if len(names) == len(parts) else None,
        )


def _moved(frame: Frame, places: Array) -> Frame:
    """What happened about debts that have other places now, in the order of these."""
    debts = places[frame["debt"]]
    return frame.having(debt=debts).take(np.argsort(debts, kind="stable"))


def held(moments: Array, selection: Selection) -> Array:
    """A mask of the moments that lie in the selection's time."""
    mask: Array = moments != NEVER
    if selection.since is not None:
        mask = mask & (moments >= micros(selection.since))
    if selection.until is not None:
        mask = mask & (moments < micros(selection.until))
    return mask


NOTHING = Facts(
    Frame.of(DEBTS, ()), Frame.of(TRIED, ()), Frame.of(OTHERS, ()), Frame.of(SENT, ()), Frame.of(REFUSED, ()),
    Frame.of(NAMES, ()),
)  # fmt: skip
"""No debts at all."""
