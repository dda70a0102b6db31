"""The past under another policy: every closed case played again under the campaign it had and under the one it would have had.

Both sides are played alike (:mod:`recoup.simulation.replay`), so that what differs is the policy and nothing else. Cases whose end is not known
under one of the two are counted and left out of both sums.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from statistics import median
from typing import Any

from recoup.learning.facts import failure_in
from recoup.learning.past import IN_TIME, lines_of
from recoup.ledger import PastCase
from recoup.rules.declines import read
from recoup.rules.money import Money
from recoup.rules.policy import Campaign, Policy
from recoup.rules.segments import Facts, When
from recoup.simulation.replay import End, Played, play
from recoup.timing._stories import Stories

_KEPT = frozenset({"amount_at_least", "amount_below", "payment_method", "decline_class"})
"""The conditions of a segment whose facts the ledger keeps for every case. Of countries it keeps the card's; a segment asks for the customer's."""

Choose = Callable[[PastCase], Campaign]


def as_they_were(past: PastCase) -> Campaign:
    """The campaign that the case had, from its frozen text."""
    return Campaign.model_validate(past.case.policy)


def by_policy(policy: Policy) -> Choose:
    """What another policy would have given each case, without its experiments.

    Where its segments ask for what the ledger does not keep (plan, monthly revenue, country, tenure, metadata), a case gets the campaign of the name it had, or the one
    for everybody.
    """
    named = {campaign.name: campaign for campaign in policy.campaigns}
    bare = policy.model_copy(update={"experiments": ()})

    def choose(past: PastCase) -> Campaign:
        if unkept(policy):
            found = named.get(past.case.campaign, policy.campaigns[-1])
            return found.model_copy(update={"when": None})
        return bare.campaign_for(_facts(past)).campaign

    return choose


def unkept(policy: Policy) -> list[str]:
    """The campaigns whose conditions ask for facts that the ledger does not keep."""
    return [each.name for each in policy.campaigns if each.when is not None and _asked(each.when) - _KEPT]


def _asked(when: When) -> set[str]:
    return {name for name in type(when).model_fields if getattr(when, name) not in (None, (), {}, [])}


def _facts(past: PastCase) -> Facts:
    failure = failure_in(past.read)
    card = failure.card if failure is not None else None
    row = past.case
    return Facts(
        amount=Money(amount=row.amount, currency=row.currency),
        method_type=card.type if card else None,
        funding=card.funding if card else None,
        brand=card.brand if card else None,
        decline_class=read(row.decline).decline_class if row.decline is not None else row.decline_class,
    )


@dataclass(frozen=True, slots=True)
class Sum:
    """Many cases under one policy."""

    cases: int
    attempts: int
    held_back: int
    breaches: int
    messages: Counter[str]
    ends: Counter[End]
    suspended_after: tuple[float, ...]
    """Days from the failure to each suspension, rising."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        late = self.suspended_after
        return {
            "cases": self.cases,
            "attempts": self.attempts,
            "held_back": self.held_back,
            "breaches": self.breaches,
            "messages": dict(sorted(self.messages.items())),
            "ends": {end.value: self.ends[end] for end in End if end is not End.UNKNOWN},
            "days_to_suspension": {"first": late[0], "median": median(late), "last": late[-1]}
            if late
            else None,
        }

    @classmethod
    def of(cls, played: Iterable[Played]) -> Sum:
        """Add up."""
        all_ = list(played)
        late = sorted(each.days_to_suspension for each in all_ if each.days_to_suspension is not None)
        return cls(
            cases=len(all_),
            attempts=sum(len(each.attempts) for each in all_),
            held_back=sum(each.held_back for each in all_),
            breaches=sum(each.breaches for each in all_),
            messages=Counter(name for each in all_ for name in each.messages),
            ends=Counter(each.end for each in all_),
            suspended_after=tuple(late),
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """The same cases under the campaigns they had and under another policy."""

    before: Sum
    after: Sum
    """Both over the cases whose end is known under both."""
    unknown_before: int
    unknown_after: int
    """Cases that a retry really paid at a moment at which this side makes none: left out of both sums."""
    made: int
    """Scheduled attempts that were really made in all these cases."""
    met: int
    """Those of them that the campaigns the cases had make again within three hours: how faithful the replay is."""
    begins: datetime | None
    ends: datetime | None
    unkept: tuple[str, ...]
    """Campaigns of the other policy that ask for what the ledger does not keep."""

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "before": self.before.as_json(),
            "after": self.after.as_json(),
            "unknown_before": self.unknown_before,
            "unknown_after": self.unknown_after,
            "made": self.made,
            "met": self.met,
            "begins": self.begins.isoformat() if self.begins else None,
            "ends": self.ends.isoformat() if self.ends else None,
            "segments_not_kept": list(self.unkept),
            "assumed": ASSUMED,
        }


ASSUMED = (
    "Every attempt at another moment than those of the past is taken as refused, in the words that the bank was using then; suspensions that a person has to approve are"
    " taken as approved; quiet hours and the customer's budget of messages are left out. What an attempt would have brought is not said here."
)


def replay(past: Iterable[PastCase], policy: Policy, stories: Stories) -> Replay:
    """Play every closed case of the past under both."""
    choose, pairs = by_policy(policy), list[tuple[Played, Played]]()
    failed, made, met = list[datetime](), 0, 0
    for one in past:
        if one.case.closed_at is None:
            continue
        before = play(one, as_they_were(one), stories, policy.network_cap)
        after = play(one, choose(one), stories, policy.network_cap)
        if before is None or after is None:
            continue
        pairs.append((before, after))
        failed.append(one.case.failed_at)
        really = [line.at for line in lines_of(one) if line.scheduled]
        made += len(really)
        met += sum(any(abs(at - again) < IN_TIME for again in before.attempts) for at in really)
    known = [pair for pair in pairs if End.UNKNOWN not in (pair[0].end, pair[1].end)]
    return Replay(
        before=Sum.of(before for before, _ in known),
        after=Sum.of(after for _, after in known),
        unknown_before=sum(before.end is End.UNKNOWN for before, _ in pairs),
        unknown_after=sum(after.end is End.UNKNOWN for _, after in pairs),
        made=made,
        met=met,
        begins=min(failed, default=None),
        ends=max(failed, default=None),
        unkept=tuple(unkept(policy)),
    )
