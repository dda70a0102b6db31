"""When a customer may be written to: the gathering window, the budget, quiet hours and days off, in their own time zone.

Pure: the zone and the days off are looked up by others and handed in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, model_validator

from recoup.rules.base import Frozen, Misfit, days

MOST_MINUTES = 15
"""The longest gathering window."""

LEAST_OPEN = timedelta(hours=1)
"""A day that leaves less time than this for messages is a mistake of the policy."""

_FAR = 800
"""So many days are looked through for one on which messages go out; no country rests for two years."""


def _in_quotes(value: object) -> object:
    # YAML reads an unquoted 21:00 as a number in base 60.
    if isinstance(value, int):
        raise ValueError('must be a time of day in quotes, as "21:00"')
    return value


def is_zone(name: str) -> bool:
    """Whether there is a time zone of this name: the same one on every machine, and without leap seconds."""
    if name in ("localtime", "posixrules", "Factory") or name.startswith(("posix/", "right/")):
        return False
    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        return False
    return True


def _zone_name(name: str) -> str:
    if not is_zone(name):
        raise ValueError(f"there is no time zone {name!r}; zones are written as 'Europe/Warsaw'")
    return name


def _time(text: str) -> time:
    return time.fromisoformat(text)


def _minutes(text: str) -> int:
    return _time(text).hour * 60 + _time(text).minute


TimeOfDay = Annotated[
    str, BeforeValidator(_in_quotes), StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")
]


class Budget(Frozen):
    """At most so many messages to one customer in any so many days, over all cases and channels."""

    messages: Annotated[int, Field(strict=True, ge=1, le=100)] = 4
    """At most so many messages ..."""
    days: Annotated[float, Field(gt=0, le=90, allow_inf_nan=False)] = 7
    """... in any so many days."""


class QuietHours(Frozen):
    """The hours in which nobody is written to, by the customer's own clock; over midnight where ``begin`` is the later one."""

    begin: TimeOfDay = "21:00"
    """From when on, in quotes; where it is later than ``end``, over midnight."""
    end: TimeOfDay = "08:00"
    """Until when, in quotes."""

    @model_validator(mode="after")
    def _leaves_room(self) -> QuietHours:
        minutes = (_minutes(self.begin) - _minutes(self.end)) % (24 * 60)
        if timedelta(minutes=minutes) < LEAST_OPEN:
            raise Misfit(
                f"from {self.begin} to {self.end} leaves {minutes} minutes a day for messages, which could go out hardly"
                " ever or never; leave at least an hour",
                ("end",),
                ("begin",),
            )
        return self

    def holds(self, local: time) -> bool:
        """Whether a time of the customer's day is a quiet one; ``begin`` is, ``end`` is not."""
        now, begin, end = local.replace(tzinfo=None), _time(self.begin), _time(self.end)
        return begin <= now < end if begin < end else now >= begin or now < end

    @property
    def is_night(self) -> bool:
        """Whether they go over midnight."""
        return self.begin > self.end


TextedTemplate = Literal[
    "payment_failed", "authentication_needed", "reminder", "last_notice", "suspended", "recovered"
]


class TextMessages(Frozen):
    """Which messages go out as a text message where mail cannot take them."""

    templates: Annotated[tuple[TextedTemplate, ...], Field(max_length=6)] = ()
    """Which messages."""


MetadataKey = Annotated[str, StringConstraints(min_length=1, max_length=40, pattern=r"^\S+$")]


class OtherContacts(Frozen):
    """Other people of the account: who is written to where the customer's own address cannot be, and who gets a copy of what matters most."""

    metadata: Annotated[tuple[MetadataKey, ...], Field(max_length=5)] = ()
    """The keys of the Stripe customer's metadata that hold their mail addresses, in the order in which they are turned to."""
    copied: Annotated[tuple[TextedTemplate, ...], Field(max_length=6)] = ("last_notice",)
    """The messages of which they all get a copy."""

    @model_validator(mode="after")
    def _each_once(self) -> OtherContacts:
        for number, key in enumerate(self.metadata):
            if key in self.metadata[:number]:
                raise Misfit("metadata names a key twice; name each once", ("metadata", number))
        return self


class ContactPolicy(Frozen):
    """``contact`` of the policy file: holds for each customer as a whole, whatever campaigns their cases have."""

    gather_minutes: Annotated[int, Field(strict=True, ge=0, le=MOST_MINUTES)] = MOST_MINUTES
    """What fails, recovers or is suspended within so many minutes is told in one message."""
    budget: Budget | None = Budget()
    """``None`` counts nothing."""
    quiet_hours: QuietHours | None = QuietHours()
    """``None``: at any hour."""
    working_days_only: bool = False
    """Whether messages wait for a working day of the customer's country."""
    others: OtherContacts = OtherContacts()
    """Other people of the account."""
    sms: TextMessages = TextMessages()
    """Text messages where mail cannot take a message."""
    default_timezone: Annotated[str, AfterValidator(_zone_name)] | None = None
    """For customers whose metadata and address name none; ``None`` takes that of the mail settings."""
    default_country: Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")] | None = None
    """Whose holidays count for customers without an address; two letters. ``None``: weekends alone."""


@dataclass(frozen=True)
class Hours:
    """When one customer may be written to."""

    zone: ZoneInfo
    quiet: QuietHours | None = None
    days_off: Mapping[date, str] = field(default_factory=dict)
    """Days without messages, by the customer's calendar, each with its name."""
    budget: Budget | None = None

    @property
    def place(self) -> str:
        """The zone's town, for people to read."""
        return self.zone.key.split("/")[-1].replace("_", " ")

    @property
    def urgent(self) -> Hours:
        """The same for what the customer must know whatever day it is and however much was said: quiet hours alone."""
        return Hours(self.zone, self.quiet)

    def forbids(self, moment: datetime) -> str | None:
        """Why nothing goes out at this moment; ``None`` where it may."""
        local = moment.astimezone(self.zone)
        if local.date() in self.days_off:
            return f"it is a day off in {self.place} ({self.days_off[local.date()]})"
        if self.quiet is not None and self.quiet.holds(local.time()):
            what = "night" if self.quiet.is_night else "a quiet hour"
            return f"it is {what} in {self.place} ({self.quiet.begin} to {self.quiet.end})"
        return None


@dataclass(frozen=True)
class Hold:
    """A message has to wait."""

    until: datetime
    because: str


def hold(hours: Hours, told: Sequence[datetime], now: datetime) -> Hold | None:
    """How long a message has to wait, given when the customer was told something; ``None`` where it may go out now."""
    free = free_from(hours.budget, told, now)
    until = allowed_from(free, hours)
    if until <= now:
        return None
    reasons = []
    if hours.budget is not None and free > now:
        reasons.append(
            f"the budget of {hours.budget.messages} messages in {hours.budget.days:g} days is used up"
        )
    if (forbidden := hours.forbids(free)) is not None:
        reasons.append(forbidden)
    return Hold(until, ", and then ".join(reasons))


def free_from(budget: Budget | None, told: Sequence[datetime], now: datetime) -> datetime:
    """The first moment from now on at which one more message stays within the budget."""
    if budget is None:
        return now
    counted = sorted(at for at in told if at > now - days(budget.days))
    if len(counted) < budget.messages:
        return now
    return counted[-budget.messages] + days(budget.days)


def allowed_from(moment: datetime, hours: Hours) -> datetime:
    """The first moment from ``moment`` on that is neither quiet nor on a day off by the customer's clock; exact over DST.

    :raises ValueError: there is none in two years.
    """
    moment = moment.astimezone(UTC)
    if hours.forbids(moment) is None:
        return moment
    first = moment.astimezone(hours.zone).date() - timedelta(days=1)
    for day in (first + timedelta(days=count) for count in range(_FAR)):
        if day in hours.days_off and first < day:
            continue
        for instant in _turning_points(day, hours):
            if instant > moment and hours.forbids(instant) is None:
                return instant
    raise ValueError("no message could go out in two years: every day is a day off")


def _turning_points(day: date, hours: Hours) -> list[datetime]:
    """The instants of a local day, in order, at which what was forbidden may become allowed.

    A wall clock that is set back shows a time twice, and both count; one that is set on may jump over a time, and then the jump
    counts. Each stands on the day that the clock shows then, so that no day holds what comes after the next day's.
    """
    walls = [time(0), *([_time(hours.quiet.end)] if hours.quiet else [])]
    shown = {datetime.combine(day, wall, hours.zone).replace(fold=fold) for wall in walls for fold in (0, 1)}
    found = {local.astimezone(UTC) for local in shown}
    noon = datetime.combine(day, time(12), hours.zone).astimezone(UTC)
    if (jump := _offset_change(noon - timedelta(days=1), noon + timedelta(days=1), hours.zone)) is not None:
        found.add(jump)
    return sorted(instant for instant in found if instant.astimezone(hours.zone).date() == day)


def _offset_change(low: datetime, high: datetime, zone: ZoneInfo) -> datetime | None:
    """When the zone's offset changes between two moments; to the second."""
    after = high.astimezone(zone).utcoffset()
    if low.astimezone(zone).utcoffset() == after:
        return None
    while high - low > timedelta(seconds=1):
        middle = low + timedelta(seconds=int((high - low).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == after:
            high = middle
        else:
            low = middle
    return high
