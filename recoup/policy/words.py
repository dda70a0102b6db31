"""What a policy means, in words, and what another one changes."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from recoup.policy._general import NOTHING, general_words
from recoup.rules.experiments import Arm
from recoup.rules.policy import Campaign, Experiment, ModelUse, Policy, Retries, RetryMode, Timing
from recoup.rules.segments import When


def campaign_in_words(campaign: Campaign) -> list[str]:
    """One line for each thing that the campaign says."""
    return [f"{what}: {said}" for what, said in _said(campaign).items() if said != NOTHING]


def policy_in_words(policy: Policy) -> list[str]:
    """The whole policy, campaign by campaign, in the order in which they are asked."""
    lines = [f"{what}: {said}" for what, said in _general(policy).items() if said != NOTHING]
    for campaign in policy.campaigns:
        lines += [f"Campaign {campaign.name}", *(f"  {line}" for line in campaign_in_words(campaign))]
    for each in policy.experiments:
        lines += [
            f"Experiment {each.name}: {_experiment(each)}",
            *(f"  {line}" for line in campaign_in_words(each.instead)),
        ]
    return lines


def _experiment(each: Experiment) -> str:
    needed = each.needed
    return (
        f"{each.share:.0%} of the customers of {each.campaign}, drawn by chance, get {each.instead.name} instead; judged by what has"
        f" recovered within {each.within_days} days, once {needed[Arm.CONTROL]:,} customers of {each.campaign} and"
        f" {needed[Arm.TREATMENT]:,} of {each.instead.name} have had so long (to find {each.least_difference:.0%} from {each.assumed_rate:.0%})"
    )


def differences(old: Campaign, new: Campaign) -> list[str]:
    """What the new campaign says otherwise; nothing where both mean the same."""
    return list(_changed(_said(old), _said(new)))


def policy_differences(old: Policy, new: Policy) -> list[str]:
    """What a new policy changes: in general, then campaign by campaign."""
    lines = list(_changed(_general(old), _general(new)))
    before = {campaign.name: campaign for campaign in old.campaigns}
    after = {campaign.name: campaign for campaign in new.campaigns}
    shared = [[name for name in names if name in before and name in after] for names in (before, after)]
    if shared[0] != shared[1]:
        lines.append(f"campaigns are asked in another order: {', '.join(after)}")
    for name, campaign in after.items():
        if name not in before:
            lines += [f"Campaign {name} is new", *(f"  {line}" for line in campaign_in_words(campaign))]
        elif changed := differences(before[name], campaign):
            lines += [f"Campaign {name}", *(f"  {line}" for line in changed)]
    lines += [f"Campaign {name} is gone" for name in before if name not in after]
    return [*lines, *_changed_experiments(old, new)]


def _changed_experiments(old: Policy, new: Policy) -> Iterator[str]:
    before = {each.name: each for each in old.experiments}
    after = {each.name: each for each in new.experiments}
    for name, each in after.items():
        if name not in before:
            yield f"Experiment {name} is new: {_experiment(each)}"
            continue
        if (was := _experiment(before[name])) != (now := _experiment(each)):
            yield f"Experiment {name}: {was} → {now}"
        yield from (f"Experiment {name}: {line}" for line in differences(before[name].instead, each.instead))
    yield from (f"Experiment {name} is gone" for name in before if name not in after)


def _changed(old: dict[str, str], new: dict[str, str]) -> Iterator[str]:
    for what in old | new:
        before, after = old.get(what, NOTHING), new.get(what, NOTHING)
        if before != after:
            yield f"{what}: {before} → {after}"


def _said(campaign: Campaign) -> dict[str, str]:
    return {what: speak(campaign) for what, speak in _OF_A_CAMPAIGN.items()}


def _general(policy: Policy) -> dict[str, str]:
    rules = [
        f"{rule.add:+d} where {_when(rule.when)}" + (f" ({rule.because})" if rule.because else "")
        for rule in policy.priority
    ]
    return general_words(policy) | {"priority": "; ".join(rules) or NOTHING}


def _when(when: When | None) -> str:
    if when is None:
        return "whoever is left"
    data = when.model_dump(mode="json", exclude_defaults=True)
    return " and ".join(f"{name} {_values(value)}" for name, value in data.items())


def _values(value: object) -> str:
    if isinstance(value, list):
        return " or ".join(str(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{key} {_values(each)}" for key, each in value.items())
    return str(value)


def _messages(campaign: Campaign) -> str:
    return ", ".join(f"{step.template} on day {step.after_days:g}" for step in campaign.messages)


def _retries(campaign: Campaign) -> str:
    days, hours = f"for {campaign.window_days:g} days", campaign.retries.stripe_distance_hours
    moments = _moments(campaign.retries)
    return {
        RetryMode.OWN: f"Recoup retries {moments}, {days}; Stripe's own retries are switched off",
        RetryMode.WEAVE: f"Recoup retries {moments}, {days}, {hours:g} hours away from each of Stripe's own retries",
        RetryMode.OBSERVE: f"Stripe retries by itself; Recoup writes, {days}",
    }[campaign.retries.mode]


def _moments(retries: Retries) -> str:
    if retries.timing is Timing.PLANNED:
        chance = f", {retries.explore:.0%} of the moments drawn among near-ties" if retries.explore else ""
        return f"{len(retries.after_days)} times at most, when the planner says{_WHO_PLANS[retries.model]}{chance}"
    return "on days " + (", ".join(f"{day:g}" for day in retries.after_days) or "none")


_WHO_PLANS = {
    ModelUse.NONE: "",
    ModelUse.SHADOW: ", with a learned model beside it that decides nothing",
    ModelUse.PROMOTED: ", with the learned model",
}


def _suspension(campaign: Campaign) -> str:
    return f"on day {campaign.suspend_after_days:g}; the subscription is then: {campaign.ending}"


def _days(count: float | None, before: str, after: str) -> str:
    return NOTHING if count is None else f"{before}{count:g}{after}"


def _approval(campaign: Campaign) -> str:
    approval = campaign.approval
    if approval is None:
        return NOTHING
    by = ", ".join(approval.people.approvers) or "any operator"
    said = [f"from priority {approval.from_priority} on {by} approves the suspension"]
    if approval.remind_after_days is not None:
        said.append(f"reminded after {approval.remind_after_days:g} days")
    if approval.escalate_after_days is not None:
        said.append(f"{', '.join(approval.people.escalate_to)} after {approval.escalate_after_days:g} days")
    default = f"{approval.default} after {approval.decide_after_days:g} days"
    rounds = f", {approval.rounds} times, then suspend" if approval.default == "wait" else ""
    return ", ".join([*said, default]) + rounds


_OF_A_CAMPAIGN: dict[str, Callable[[Campaign], str]] = {
    "for": lambda campaign: _when(campaign.when),
    "messages": _messages,
    "retries": _retries,
    "between two retries": lambda campaign: f"{campaign.retries.min_gap_days:g} days at least",
    "last notice": lambda campaign: _days(campaign.warning.days_before, "", " days before the suspension"),
    "access restricted": lambda campaign: _days(campaign.restrict_after_days, "on day ", ""),
    "suspension": _suspension,
    "cancelled at last": lambda campaign: _days(campaign.cancel_after_days, "", " days after the suspension"),
    "approval": _approval,
    "update links work": lambda campaign: f"{campaign.link_valid_days:g} days",
}
