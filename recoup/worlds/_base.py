"""What every part of a world file shares: strictness, durations, and the shapes of keys and codes."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=40)]
"""The name by which one part of a world refers to another."""

Code = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$", max_length=60)]
"""A code as Stripe writes it, such as ``insufficient_funds``. Open: worlds may hold codes that nobody knows yet."""

Country = Annotated[str, StringConstraints(pattern=r"^[A-Z]{2}$")]
"""A country as its two ISO 3166 letters."""

Amount = Annotated[int, Field(gt=0, le=99_999_999)]
"""Money in the minor unit of its currency."""


class Part(BaseModel):
    """A part of a world file: immutable, no unknown keys, nothing converted behind the author's back."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, use_attribute_docstrings=True, populate_by_name=True
    )


class Duration(Part):
    """A stretch of time; the parts given are added up, at least one of them is needed."""

    minutes: float = Field(default=0, ge=0, le=1e7, allow_inf_nan=False)
    """Minutes."""
    hours: float = Field(default=0, ge=0, le=1e6, allow_inf_nan=False)
    """Hours."""
    days: float = Field(default=0, ge=0, le=1e5, allow_inf_nan=False)
    """Days of 24 hours."""
    weeks: float = Field(default=0, ge=0, le=1e4, allow_inf_nan=False)
    """Weeks of seven such days."""

    @model_validator(mode="after")
    def _something_is_given(self) -> Duration:
        if not self.model_fields_set:
            raise ValueError("a duration needs at least one of minutes, hours, days, weeks")
        return self

    @property
    def length(self) -> timedelta:
        """The whole stretch."""
        return timedelta(weeks=self.weeks, days=self.days, hours=self.hours, minutes=self.minutes)
