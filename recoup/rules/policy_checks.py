"""What a policy says key by key is one thing; whether it can work as a whole is asked here, with the place of each mistake.

A mistake inside one campaign's own days is refused by the campaign itself (:mod:`recoup.rules.policy`); here stands what
takes more than one part of the file to see.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta

from recoup.rules.base import Frozen
from recoup.rules.networks import DAY, MONTH, RULES
from recoup.rules.policy import Campaign, ModelUse, Policy, RetryMode, Timing


class Mistake(Frozen):
    """Why a policy cannot be used."""

    place: tuple[int | str, ...]
    """The keys and list positions that lead to it."""
    because: str


def mistakes(policy: Policy) -> Iterator[Mistake]:
    """Everything about the policy that could not work, in the order of the file."""
    last = len(policy.campaigns) - 1
    for number, campaign in enumerate(policy.campaigns):
        place = ("campaigns", number)
        if number < last and campaign.when is None:
            because = (
                f"nobody reaches the campaigns after {campaign.name}: only the last may have no conditions"
            )
            yield Mistake(place=place, because=because)
        if number == last and campaign.when is not None:
            because = "the last campaign is for whoever is left, so it has no conditions"
            yield Mistake(place=(*place, "when"), because=because)
        yield from _too_many_attempts(campaign, policy.network_cap, place)
        yield from _nothing_to_plan(campaign, (*place, "retries"))
    yield from _experiments(policy)


def _experiments(policy: Policy) -> Iterator[Mistake]:
    """Each looks at a campaign that there is, alone, and puts a campaign in its place that could stand by itself."""
    looked_at, put_in_place = dict[str, str](), set[str]()
    names = {campaign.name for campaign in policy.campaigns}
    for number, experiment in enumerate(policy.experiments):
        place: tuple[int | str, ...] = ("experiments", number)
        if experiment.name in (each.name for each in policy.experiments[:number]):
            yield Mistake(place=(*place, "name"), because=f"two experiments are called {experiment.name}")
        if experiment.campaign not in names:
            yield Mistake(place=(*place, "campaign"), because=f"there is no campaign {experiment.campaign}")
        elif (other := looked_at.setdefault(experiment.campaign, experiment.name)) != experiment.name:
            because = f"the experiment {other} looks at {experiment.campaign} already; one at a time"
            yield Mistake(place=(*place, "campaign"), because=because)
        if experiment.instead.name in names | put_in_place:
            because = f"two campaigns are called {experiment.instead.name}; give each a name of its own"
            yield Mistake(place=(*place, "instead", "name"), because=because)
        put_in_place.add(experiment.instead.name)
        if experiment.instead.when is not None:
            because = "chance says whom it is for, so it has no conditions"
            yield Mistake(place=(*place, "instead", "when"), because=because)
        yield from _too_many_attempts(experiment.instead, policy.network_cap, (*place, "instead"))
        yield from _nothing_to_plan(experiment.instead, (*place, "instead", "retries"))


def _nothing_to_plan(campaign: Campaign, place: tuple[int | str, ...]) -> Iterator[Mistake]:
    """A model and exploration choose moments, and here nobody asks for one."""
    retries = campaign.retries
    if retries.timing is Timing.PLANNED and retries.mode is not RetryMode.OBSERVE:
        return
    asked = {"model": retries.model is not ModelUse.NONE, "explore": retries.explore > 0}
    for key in (key for key, wanted in asked.items() if wanted):
        because = (
            "it chooses moments, and nothing is planned here: set timing to planned, or leave it out"
            if retries.mode is not RetryMode.OBSERVE
            else "it chooses moments, and with mode observe Recoup makes no scheduled attempts"
        )
        yield Mistake(place=(*place, key), because=because)


def _too_many_attempts(campaign: Campaign, cap: int, place: tuple[int | str, ...]) -> Iterator[Mistake]:
    """The failure that begins a case is an attempt on the card too, so it counts as the one on day 0."""
    if campaign.retries.mode is RetryMode.OBSERVE:
        return
    place = (*place, "retries", "after_days")
    if campaign.retries.timing is Timing.PLANNED:
        # The planner chooses the days and keeps the networks' limits; what it can never use is a mistake all the same.
        if campaign.window_days <= MONTH / timedelta(days=1) and len(campaign.retries.after_days) >= cap:
            because = (
                f"{len(campaign.retries.after_days)} retries and the failure before them are more than network_cap"
                f" ({cap}) allows on one card in 30 days"
            )
            yield Mistake(place=place, because=because)
        return
    days = [0.0, *campaign.retries.after_days]
    if (worst := _most_within(days, MONTH)) > cap:
        because = (
            f"{worst} attempts within 30 days, the failure that begins the case among them, are more than"
            f" network_cap ({cap}) allows on one card"
        )
        yield Mistake(place=place, because=because)
    for rule in RULES:
        if rule.window == DAY and (worst := _most_within(_kept_apart(campaign), DAY)) > rule.limit:
            because = f"{worst} attempts within 24 hours are more than {rule.limit}, the limit of {rule.source.name}"
            yield Mistake(place=place, because=because)


def _kept_apart(campaign: Campaign) -> list[float]:
    """The days of the attempts, the failure first, as ``min_gap_days`` pushes them apart."""
    days = [0.0]
    for number, day in enumerate(campaign.retries.after_days):
        days.append(day if number == 0 else max(day, days[-1] + campaign.retries.min_gap_days))
    return days


def _most_within(days: Sequence[float], window: timedelta) -> int:
    """The most of these moments that any window of this length holds."""
    span = window / timedelta(days=1)
    return max(sum(first <= day < first + span for day in days) for first in days)
