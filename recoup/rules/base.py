"""The frozen model that all data of the rules and of the activities' contracts derives from."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field


class Frozen(BaseModel):
    """An immutable, strict-keyed record; a change is a copy (``model_copy(update=...)``)."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Wire(Frozen):
    """A record that crosses a process boundary: keys it does not know are ignored, so that old code reads new records."""

    model_config = ConfigDict(frozen=True, extra="ignore")


def _whole_seconds(moment: datetime) -> datetime:
    return moment.replace(microsecond=0)


Moment = Annotated[AwareDatetime, AfterValidator(_whole_seconds)]
"""An aware moment cut to whole seconds, as Stripe tells time; keeps workflow histories small and comparisons plain."""


Place = tuple[int | str, ...]
"""The keys and list positions that lead to a value, from the model that speaks of it."""


class Misfit(ValueError):
    """Values that are right each for itself and do not go together."""

    def __init__(self, because: str, *places: Place) -> None:
        """``places``: where it is best seen, the most telling first; what stands in nobody's file is passed over."""
        super().__init__(because)
        self.places = places


Days = Annotated[float, Field(ge=0, le=365, allow_inf_nan=False)]
"""A length of time in days of 24 hours."""


def days(count: float) -> timedelta:
    """``count`` days of 24 hours."""
    return timedelta(days=count)
