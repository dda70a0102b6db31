"""What a running case takes from a new policy, when an operator moves it on purpose."""

from __future__ import annotations

from pydantic import ValidationError

from recoup.rules.case import Case
from recoup.rules.policy import Campaign


def drained(old: Campaign, new: Campaign) -> Campaign:
    """Messages and attempts of the old campaign to their end; warning, grace, stages, approval and ending of the new one.

    The restriction keeps its distance from the suspension, whose day follows the old window.

    Raises:
        ValueError: the two do not fit together.
    """
    restrict = None
    if new.restrict_after_days is not None:
        restrict = old.window_days + new.restrict_after_days - new.window_days
    kept = {"messages": old.messages, "retries": old.retries, "window_days": old.window_days}
    return _checked(new.model_copy(update=kept | {"restrict_after_days": restrict}))


def replaced(old: Campaign, new: Campaign) -> Campaign:
    """The new campaign, but for the way of living with Stripe's own retries: a case keeps the one that its invoice was taken up with."""
    mode = {"mode": old.retries.mode}
    return _checked(new.model_copy(update={"retries": new.retries.model_copy(update=mode)}))


def _checked(campaign: Campaign) -> Campaign:
    try:
        return Campaign.model_validate(campaign.model_dump(exclude={"when"}))
    except ValidationError as error:
        raise ValueError(error.errors()[0]["msg"].removeprefix("Value error, ")) from None


def moved(case: Case, campaign: Campaign, priority: int | None = None, because: tuple[str, ...] = ()) -> Case:
    """The case goes on by another campaign; what it has done already counts in it, and a plan is made anew."""
    if case.outcome is not None:
        return case
    update: dict[str, object] = {"campaign": campaign, "planned": None}
    if campaign.approval is None:
        update["question"] = None
    if priority is not None:
        update |= {"priority": priority, "priority_because": because}
    return case.model_copy(update=update)
