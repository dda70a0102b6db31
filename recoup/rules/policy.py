"""The operator's rules: campaigns of messages, retries, warning, grace and ending, all durations in days.

A :class:`Policy` is what ``policy.yaml`` says (:mod:`recoup.policy.file` reads it); a :class:`Campaign` is the part that
one case carries with it from its beginning to its end.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from recoup.rules.base import Days, Frozen, Misfit, Place
from recoup.rules.contact import ContactPolicy
from recoup.rules.customer_page import CustomerPage
from recoup.rules.experiments import Arm, Assigned, assign, customers_needed
from recoup.rules.expiring import ExpiringCards
from recoup.rules.networks import DEFAULT_CAP, HIGHEST_CAP
from recoup.rules.people import Approval
from recoup.rules.priority import PriorityRule
from recoup.rules.segments import Facts, When, reason

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,39}$")]
MOST_EXPLORED = 0.3
"""No campaign leaves more of its plans to chance than this share."""


_SPAN: tuple[Place, ...] = (("window_days",), ("grace_days",))
"""What says on which day the suspension is."""


class RetryMode(StrEnum):
    """How the scheduled attempts live with the retries that Stripe makes by itself."""

    OWN = "own"
    """Recoup alone: Stripe's own retries are switched off for the invoice."""
    WEAVE = "weave"
    """Both: Stripe keeps its schedule, and scheduled attempts of ours keep a distance from Stripe's."""
    OBSERVE = "observe"
    """Stripe alone: Recoup notifies, and collects only after a card update or when an operator asks."""


class Timing(StrEnum):
    """Who chooses the moments of the scheduled attempts."""

    FIXED = "fixed"
    """The policy: the days of ``after_days``."""
    PLANNED = "planned"
    """The planner, anew after each refusal: as many attempts as ``after_days`` has entries, within the window."""


class ModelUse(StrEnum):
    """What a learned model has to say in a planned campaign."""

    NONE = "none"
    """Nothing: the prior plans."""
    SHADOW = "shadow"
    """It is asked, and what it would have chosen is written down; the prior plans."""
    PROMOTED = "promoted"
    """It plans, if one was promoted when the case was first planned; the case keeps that one."""


class Ending(StrEnum):
    """What becomes of the subscription when the recovery has failed."""

    PAUSE = "pause"
    """Paused at Stripe, so that it does not renew into new debts; its collection is paused where Stripe cannot pause."""
    CANCEL = "cancel"
    KEEP = "keep"
    """Left as it is at Stripe; only the company's own backend is told."""


class RacedPayments(StrEnum):
    """What becomes of our payment when the customer paid the same invoice at the same moment."""

    REFUND = "refund"
    """It is given back at once."""
    FLAG = "flag"
    """It is only noted in the ledger; a person decides."""


class MessageStep(Frozen):
    """One message to the customer, so many days after the first failure."""

    template: Literal["payment_failed", "reminder"]
    """The first is ``payment_failed``, all others are ``reminder``."""
    after_days: Days
    """Days after the first failure."""


class Retries(Frozen):
    """The scheduled attempts, counted from the first failure."""

    mode: RetryMode = RetryMode.OWN
    """How scheduled attempts live with Stripe's own retries."""
    timing: Timing = Timing.FIXED
    """Who chooses the moments of the scheduled attempts."""
    model: ModelUse = ModelUse.NONE
    """With ``planned``: whether a model that was learned from the operator's own attempts plans, or is only asked."""
    explore: Annotated[float, Field(ge=0, le=MOST_EXPLORED, allow_inf_nan=False)] = 0
    """With ``planned``: the share of plans whose moment is drawn among those that are about as good as the best."""
    after_days: tuple[Days, ...] = Field(default=(1, 3, 7, 12), max_length=20)
    """The attempts, in days after the first failure, rising."""
    min_gap_days: Days = 0.8
    """At least so long between two scheduled attempts, however late one of them was."""
    stripe_distance_hours: Annotated[float, Field(ge=1, le=168, allow_inf_nan=False)] = 12
    """With ``weave``: a scheduled attempt is at least so far from Stripe's last and from Stripe's next one."""

    @model_validator(mode="after")
    def _ascending(self) -> Retries:
        for number, (earlier, later) in enumerate(pairwise(self.after_days), 1):
            if later <= earlier:
                raise Misfit("after_days must rise from one retry to the next", ("after_days", number))
        return self


class LastNotice(Frozen):
    """The last notice before the suspension."""

    days_before: Days = 3
    """How long before the suspension the last notice goes out; at least so long the customer has to act on it."""


class Campaign(Frozen):
    """What one case does, from the first failure to its ending."""

    name: Name = "everybody"
    """Its name; no two campaigns have the same."""
    when: When | None = None
    """Whom it is for; nothing in the last campaign, which takes whoever is left. A case does not carry it."""
    messages: tuple[MessageStep, ...] = (
        MessageStep(template="payment_failed", after_days=0),
        MessageStep(template="reminder", after_days=5),
        MessageStep(template="reminder", after_days=10),
    )
    """What the customer is told, in the order of its days; the first is a ``payment_failed``."""
    retries: Retries = Retries()
    """The scheduled attempts."""
    window_days: Days = 14
    """How long Recoup retries and writes, from the first failure."""
    warning: LastNotice = LastNotice()
    """The last notice before the suspension."""
    grace_days: Days = 7
    """How much longer than the window the customer keeps access."""
    restrict_after_days: Days | None = None
    """From the first failure: after the last notice the access is restricted before it is suspended; nothing: it is not."""
    ending: Ending = Ending.PAUSE
    """What becomes of the subscription at the suspension."""
    cancel_after_days: Annotated[float, Field(gt=0, le=365, allow_inf_nan=False)] | None = None
    """From the suspension: a subscription that was paused, and whose customer has not come back, is cancelled then."""
    approval: Approval | None = None
    """Which suspensions a person has to approve."""
    link_valid_days: Annotated[float, Field(gt=0, le=365)] = 45
    """How long the update link in a message works."""

    @property
    def suspend_after_days(self) -> float:
        """Days from the first failure to the suspension."""
        return self.window_days + self.grace_days

    @model_validator(mode="after")
    def _fits(self) -> Campaign:
        if not self.messages or self.messages[0].template != "payment_failed":
            first: Place = ("messages", 0, "template") if self.messages else ("messages",)
            raise Misfit("messages must begin with a payment_failed message", first)
        self._messages_in_order()
        if self.suspend_after_days <= 0:
            raise Misfit("window_days and grace_days together must be more than 0", *_SPAN)
        self._inside_window()
        self._in_stages()
        return self

    def _messages_in_order(self) -> None:
        for number, (before, step) in enumerate(pairwise(self.messages), 1):
            if step.template == "payment_failed":
                because = "messages may hold one payment_failed message only, the first"
                raise Misfit(because, ("messages", number, "template"))
            if step.after_days < before.after_days:
                because = "messages must be in the order of their after_days"
                raise Misfit(because, ("messages", number, "after_days"))

    def _inside_window(self) -> None:
        days: dict[Place, float] = {
            ("messages", n, "after_days"): step.after_days for n, step in enumerate(self.messages)
        }
        days |= {("retries", "after_days", n): day for n, day in enumerate(self.retries.after_days)}
        for place, day in days.items():
            if day > self.window_days:
                because = f"day {day:g} lies after window_days ({self.window_days:g})"
                raise Misfit(because, place, ("window_days",))
        notice = self.warning.days_before
        if notice >= self.suspend_after_days:
            raise Misfit(
                f"warning.days_before ({notice:g}) must be less than window_days + grace_days"
                f" ({self.suspend_after_days:g}), the day of the suspension",
                ("warning", "days_before"),
                *_SPAN,
            )
        first = self.messages[0].after_days
        if self.suspend_after_days - notice < first:
            raise Misfit(
                f"messages: the first one, on day {first:g}, must not come after the last notice, which goes out"
                f" {notice:g} days before day {self.suspend_after_days:g}",
                ("messages", 0, "after_days"),
                ("warning", "days_before"),
            )

    def _in_stages(self) -> None:
        notice, restricted = self.suspend_after_days - self.warning.days_before, self.restrict_after_days
        if restricted is not None and not notice <= restricted < self.suspend_after_days:
            raise Misfit(
                f"restrict_after_days ({restricted:g}) must not come before the last notice (day {notice:g}), and must come"
                f" before the suspension (day {self.suspend_after_days:g})",
                ("restrict_after_days",),
            )
        if self.cancel_after_days is not None and self.ending is not Ending.PAUSE:
            raise Misfit(
                f"cancel_after_days cancels what was paused, but the ending is {self.ending}; leave one of them out",
                ("cancel_after_days",),
            )


class Experiment(Frozen):
    """A part of a campaign's customers, drawn by chance, gets another campaign, so that the difference can be measured."""

    name: Name
    """Chance is drawn from it: another name draws anew."""
    campaign: Name
    """Of whose customers."""
    share: Annotated[float, Field(ge=0.01, le=0.99, allow_inf_nan=False)] = 0.5
    """The part of them that gets ``instead``."""
    instead: Campaign
    """What they get, whole, under a name of its own; for a holdout, a campaign whose ``retries.mode`` is ``observe``."""
    within_days: Annotated[int, Field(strict=True, ge=7, le=90)] = 28
    """A case counts as recovered if it is so many days after its failure."""
    assumed_rate: Annotated[float, Field(ge=0.05, le=0.95, allow_inf_nan=False)] = 0.5
    """The recovery rate that is expected of the campaign; with ``least_difference`` it says how many customers are looked at."""
    least_difference: Annotated[float, Field(ge=0.01, le=0.4, allow_inf_nan=False)] = 0.05
    """The smallest difference of the rates that the experiment is to find."""

    @property
    def needed(self) -> dict[Arm, int]:
        """How many customers each arm needs before anything is said."""
        return customers_needed(self.assumed_rate, self.least_difference, self.share)


class Choice(Frozen):
    """The campaign that a case gets, and why."""

    campaign: Campaign
    because: str
    assigned: Assigned | None = None
    """What chance said, where an experiment looks at the campaign."""


class Policy(Frozen):
    """The whole policy file."""

    version: Literal[1]
    """Of the form of this file."""
    campaigns: Annotated[tuple[Campaign, ...], Field(min_length=1, max_length=50)] = (Campaign(),)
    """In the order in which they are asked: the first whose ``when`` holds is taken; the last has none."""
    experiments: Annotated[tuple[Experiment, ...], Field(max_length=20)] = ()
    """What is compared with what, on which part of a campaign's customers."""
    priority: Annotated[tuple[PriorityRule, ...], Field(max_length=100)] = ()
    """What makes a case matter more to people."""
    customer_page: CustomerPage = CustomerPage()
    """What the page behind the update link offers besides paying."""
    raced_payments: RacedPayments = RacedPayments.REFUND
    """What becomes of a payment of ours when the customer paid the same invoice beside it."""
    expiring_cards: ExpiringCards = ExpiringCards()
    """Reminders before a card expires."""
    network_cap: Annotated[int, Field(strict=True, ge=1, le=HIGHEST_CAP)] = DEFAULT_CAP
    """The operator's own limit: so many attempts on one card in 30 days, whoever makes them; never above the networks'."""
    contact: ContactPolicy = ContactPolicy()
    """When a customer may be written to; running cases follow it at once."""

    def campaign_for(self, facts: Facts, customer: str | None = None) -> Choice:
        """The campaign of a case: the first whose conditions hold, or the one for everybody; or what an experiment puts in its place."""
        choice = self._by_segment(facts)
        experiment = next((each for each in self.experiments if each.campaign == choice.campaign.name), None)
        if experiment is None or customer is None:
            return choice
        assigned = assign(experiment.name, experiment.share, customer)
        treated = assigned.arm is Arm.TREATMENT
        because = f"{choice.because}; the experiment {experiment.name} drew {assigned.arm}"
        campaign = experiment.instead if treated else choice.campaign
        return Choice(campaign=campaign, because=because, assigned=assigned)

    def _by_segment(self, facts: Facts) -> Choice:
        for campaign in self.campaigns[:-1]:
            if campaign.when is not None and (said := reason(campaign.when, facts)) is not None:
                return Choice(campaign=campaign.model_copy(update={"when": None}), because=said)
        others = len(self.campaigns) > 1
        because = "no other campaign's conditions hold" if others else "it is the only campaign"
        return Choice(campaign=self.campaigns[-1], because=because)

    @property
    def metadata_keys(self) -> frozenset[str]:
        """The keys of Stripe's metadata that it looks at; no others are read."""
        conditions = [*(campaign.when for campaign in self.campaigns), *(rule.when for rule in self.priority)]
        return frozenset(key for when in conditions if when is not None for key in when.metadata)

    @model_validator(mode="after")
    def _each_is_reached(self) -> Policy:
        names = [campaign.name for campaign in self.campaigns]
        for number, name in enumerate(names):
            if name in names[:number]:
                because = f"two campaigns are called {name}; give each a name of its own"
                raise Misfit(because, ("campaigns", number, "name"))
        return self
