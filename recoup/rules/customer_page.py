"""What the page behind the update link offers a customer besides paying: the policy's ``customer_page``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints, model_validator

from recoup.rules.base import Frozen, Misfit

MOST_PROMISE_DAYS = 30
"""No policy lets a promise put a suspension off for longer."""
DEFAULT_PROMISE_DAYS = 5.0

PriceId = Annotated[str, StringConstraints(min_length=1, max_length=255, pattern=r"^\S+$")]
PauseDays = Annotated[int, Field(strict=True, ge=1, le=365)]


class CancelWhen(StrEnum):
    """Whether the page offers "I want to cancel", and when a subscription then ends at Stripe."""

    NOW = "now"
    """At once: what is open is as a rule the very period that has begun."""
    PERIOD_END = "period_end"
    """At the end of the period that has begun, paid or not."""
    NOT_OFFERED = "not_offered"


class CustomerPage(Frozen):
    """What the page offers. As it stands here: a promise to pay and the way out, nothing that changes a price."""

    promise_days: Annotated[float, Field(ge=0, le=MOST_PROMISE_DAYS, allow_inf_nan=False)] = (
        DEFAULT_PROMISE_DAYS
    )
    """How many days ahead a customer may promise to pay, once for each case; 0 offers it to nobody."""
    smaller_plans: dict[PriceId, tuple[PriceId, ...]] = Field(default_factory=dict)
    """For a price of Stripe's, the prices a customer who has it may switch to, from the next invoice on."""
    pause_days: tuple[PauseDays, ...] = Field(default=(), max_length=6)
    """For how many days a customer may pause a subscription; none where it is empty."""
    cancel: CancelWhen = CancelWhen.NOW
    """Whether the page offers "I want to cancel", and when the subscription then ends."""

    @model_validator(mode="after")
    def _makes_sense(self) -> CustomerPage:
        for price, smaller in self.smaller_plans.items():
            if not smaller or price in smaller:
                because = f"smaller_plans: {price} must name other prices, at least one"
                raise Misfit(because, ("smaller_plans", price))
        if list(self.pause_days) != sorted(set(self.pause_days)):
            raise Misfit("pause_days must rise from one choice to the next", ("pause_days",))
        return self
