"""The operator's own past, looked at anew: at each scheduled attempt that was made, what would each way of choosing have chosen?

Whether it would have been approved is known where a way would have chosen the very moment, and nowhere else: what a bank says to an
attempt that was never made nobody knows. So agreement is counted, limits that a way would have met are counted, and what it would have brought
is estimated only from plans in which chance had a hand (:mod:`recoup.learning.judging`); otherwise the answer is "can't tell yet".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from recoup.learning.judging import Entry, Judgement, entries_of, in_words, judge
from recoup.learning.past import IN_TIME, lines_of
from recoup.ledger import PastCase
from recoup.rules.base import days
from recoup.rules.declines import read
from recoup.rules.networks import DEFAULT_CAP, may_attempt
from recoup.rules.policy import Campaign, Timing
from recoup.simulation.rivals import Setting, schedules
from recoup.timing._stories import Stories
from recoup.timing.lines import DeclineLine, situation_of
from recoup.timing.planner import plan
from recoup.timing.situation import Limits, Situation, Tried

_DAY = timedelta(days=1)
_PASSING_GAP = timedelta(hours=6)
OWN = "the campaign's days"
OTHER = "the other policy"


@dataclass(frozen=True, slots=True)
class Point:
    """A scheduled attempt that was made, and what was known when its moment was chosen."""

    situation: Situation
    limits: Limits
    campaign: Campaign
    made_before: int
    """Scheduled attempts before it."""
    at: datetime
    approved: bool
    entry: Entry | None
    """The logged plan behind it, if there was one."""


@dataclass
class Tally:
    """What one way of choosing would have done with the attempts of the past."""

    way: str
    attempts: int = 0
    none: int = 0
    """It would have made no attempt."""
    agreed: int = 0
    """It would have chosen the same three hours."""
    same_day: int = 0
    """It would have chosen a moment less than a day away."""
    earlier: int = 0
    later: int = 0
    approved_where_agreed: int = 0
    refused_by_guard: int = 0
    """It would have chosen a moment at which the networks' rules or the operator's own limit forbid an attempt."""
    log: list[Entry] = field(default_factory=list)

    def take(self, point: Point, chosen: datetime | None, cap: int) -> None:
        """Count one attempt of the past."""
        self.attempts += 1
        if point.entry is not None:
            self.log.append(_asked(point.entry, self.way, chosen))
        if chosen is None:
            self.none += 1
            return
        self.refused_by_guard += not _is_allowed(point.situation, chosen, cap)
        away = chosen - point.at
        if abs(away) < IN_TIME:
            self.agreed += 1
            self.approved_where_agreed += point.approved
        self.same_day += abs(away) < _DAY
        self.earlier += away <= -IN_TIME
        self.later += away >= IN_TIME

    @property
    def judgement(self) -> Judgement:
        """What it would have brought, as far as the log can say."""
        return judge(self.log, self.way)

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        counts = {name: getattr(self, name) for name in _COUNTS}
        judged = self.judgement.as_json()
        return {"way": self.way, **counts, "plans": judged["plans"], "possible": judged["possible"],
                "estimates": judged["estimates"]}  # fmt: skip


_COUNTS = (
    "attempts", "none", "agreed", "same_day", "earlier", "later", "approved_where_agreed", "refused_by_guard",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Backtest:
    """The past, and every way of choosing held against it."""

    cases: int
    attempts: int
    approved: int
    begins: datetime | None
    ends: datetime | None
    learned_from: int
    """Attempts of them that the model had learned from."""
    tallies: tuple[Tally, ...]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "cases": self.cases,
            "attempts": self.attempts,
            "approved": self.approved,
            "begins": self.begins.isoformat() if self.begins else None,
            "ends": self.ends.isoformat() if self.ends else None,
            "learned_from": self.learned_from,
            "ways": [tally.as_json() for tally in self.tallies],
            "not_known": NOT_KNOWN,
        }


NOT_KNOWN = (
    "What a bank would have said to an attempt that was never made is not known. Approvals where a way agrees with what was made are no"
    " measure of the way: others had chosen those moments."
)


def backtest(
    past: Iterable[PastCase],
    prior: Stories,
    learned: Stories | None = None,
    *,
    model_ends: datetime | None = None,
    cap: int = DEFAULT_CAP,
    other: Callable[[PastCase], Campaign] | None = None,
) -> Backtest:
    """Hold the prior, a model, the fixed schedules and another policy's campaigns against the closed cases of the past."""
    tallies: dict[str, Tally] = {}
    points: list[Point] = []
    cases = 0
    for one in past:
        if one.case.closed_at is None:
            continue
        found = list(points_of(one, cap))
        cases += bool(found)
        points += found
        instead = other(one) if other is not None else None
        for point in found:
            for way, chosen in _choices(point, prior, learned, instead):
                tallies.setdefault(way, Tally(way)).take(point, chosen, cap)
    moments = [point.at for point in points]
    return Backtest(
        cases=cases,
        attempts=len(points),
        approved=sum(point.approved for point in points),
        begins=min(moments, default=None),
        ends=max(moments, default=None),
        learned_from=sum(model_ends is not None and at <= model_ends for at in moments),
        tallies=tuple(tallies.values()),
    )


def points_of(past: PastCase, cap: int) -> Iterator[Point]:
    """The scheduled attempts of a case, each with what was known when its moment could be chosen: at the refusal before it."""
    campaign = Campaign.model_validate(past.case.policy)
    logged = {entry.sent_at: entry for entry in entries_of(past)}
    tried: list[Tried] = []
    scheduled = 0
    for line in lines_of(past):
        if line.outcome not in ("approved", "declined"):
            break
        if line.scheduled and tried:
            now = max(tried[-1].at, past.case.opened_at)
            limits = Limits(
                until=past.case.failed_at + days(campaign.window_days),
                attempts_left=max(len(campaign.retries.after_days) - scheduled, 1),
                min_gap=days(campaign.retries.min_gap_days),
                passing_gap=min(days(campaign.retries.min_gap_days), _PASSING_GAP),
                cap=cap,
            )
            situation, entry = situation_of(line, now, tried), logged.get(line.at)
            yield Point(situation, limits, campaign, scheduled, line.at, line.outcome == "approved", entry)
        scheduled += line.scheduled
        if line.outcome == "declined":
            tried.append(Tried(line.at, (line.decline or DeclineLine()).as_decline(line.brand)))


def _choices(
    point: Point, prior: Stories, learned: Stories | None, other: Campaign | None
) -> Iterator[tuple[str, datetime | None]]:
    if other is not None:
        yield OTHER, _under(other, point, prior)
    yield "prior", plan(prior, point.situation, point.limits).at
    if learned is not None:
        yield "model", plan(learned, point.situation, point.limits).at
    campaign = point.campaign
    yield OWN, _on_days(point, campaign.retries.after_days)
    setting = Setting(max(len(campaign.retries.after_days), 1), max(int(campaign.window_days), 1))
    for name, fixed in schedules(setting).items():
        yield name, _on_days(point, fixed)


def _under(campaign: Campaign, point: Point, prior: Stories) -> datetime | None:
    """When another campaign would have tried next, had it been its turn at this refusal."""
    retries = campaign.retries
    gap = days(retries.min_gap_days)
    until = point.situation.first_failed_at + days(campaign.window_days)
    limits = replace(point.limits, until=until, min_gap=gap, passing_gap=min(gap, _PASSING_GAP))
    if retries.timing is not Timing.PLANNED:
        return _on_days(replace(point, limits=limits), retries.after_days)
    left = max(len(retries.after_days) - point.made_before, 0)
    return plan(prior, point.situation, replace(limits, attempts_left=left)).at


def _on_days(point: Point, after_days: Sequence[float]) -> datetime | None:
    """When a fixed schedule tries next: on its day, or as soon after it as the gap and the bank's wish allow."""
    situation = point.situation
    reading = read(situation.tried[-1].decline)
    spent = reading.most_retries is not None and point.made_before >= reading.most_retries
    if not reading.may_retry or spent or point.made_before >= len(after_days):
        return None
    due = situation.first_failed_at + days(after_days[point.made_before])
    latest = situation.tried[-1].at
    gap = point.limits.min_gap if point.made_before else timedelta(0)
    return max(due, situation.now, latest + gap, latest + reading.wait)


def _is_allowed(situation: Situation, at: datetime, cap: int) -> bool:
    counted = [tried.at for tried in situation.tried]
    return may_attempt(situation.brand, counted, situation.tried[-1].decline, at, cap).allowed


def _asked(entry: Entry, way: str, chosen: datetime | None) -> Entry:
    """The logged plan with this way's choice, as the candidate whose three hours it falls into."""
    same = (at for at in entry.candidates if chosen is not None and at <= chosen < at + IN_TIME)
    return replace(entry, would={way: next(same, chosen)})


@dataclass(frozen=True, slots=True)
class Told:
    """One way of choosing, in words."""

    way: str
    shares: tuple[str, ...]
    """Of the attempts: the same three hours, the same day, earlier, later."""
    none: int
    guard: int
    brought: str


def rows(result: Backtest) -> list[Told]:
    """Every way of choosing, in words."""
    found = []
    for tally in result.tallies:
        counts = (tally.agreed, tally.same_day, tally.earlier, tally.later)
        shares = tuple(f"{count / max(tally.attempts, 1):.0%}" for count in counts)
        judged = tally.judgement
        brought = in_words(judged, judged.estimates[-1])
        found.append(Told(tally.way, shares, tally.none, tally.refused_by_guard, brought))
    return found


def lines(result: Backtest) -> Iterator[str]:
    """The result as people read it."""
    yield f"{result.attempts} scheduled attempts in {result.cases} closed cases, {result.approved} of them approved"
    if result.learned_from:
        yield f"The model had learned from {result.learned_from} of them: how well it knows those says nothing about others."
    yield ""
    yield f"{'way':<22}{'same 3 h':>10}{'same day':>10}{'earlier':>9}{'later':>8}{'none':>7}{'guard':>7}  would have brought"
    for told in rows(result):
        same, day, earlier, later = told.shares
        yield f"{told.way:<22}{same:>10}{day:>10}{earlier:>9}{later:>8}{told.none:>7}{told.guard:>7}  {told.brought}"
    yield ""
    yield NOT_KNOWN
