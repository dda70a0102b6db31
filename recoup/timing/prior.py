"""The prior: what Recoup believes about failed payments before it has seen any, read from ``prior.yaml``.

It is a table of causes (why payments fail), of what banks say about each, and of when each goes away. From it follows, for
any failure and any later moment, how likely an attempt is to be approved (:mod:`recoup.timing.belief`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from recoup.errors import ConfigurationError
from recoup.rules.base import Frozen
from recoup.timing.families import Family

Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Weight = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Hours = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Cause(StrEnum):
    """Why a payment fails, as far as that matters for when to try again."""

    NO_FUNDS = "no_funds"
    HOLD = "hold"
    """A suspicion, or a limit, that may be lifted."""
    OUTAGE = "outage"
    DEAD = "dead"
    """The card will never work again."""
    CONFIRM = "confirm"
    """Nothing but the customer's confirmation helps."""
    UNKNOWN = "unknown"
    """None of the others."""


class _Row(Frozen):
    source: str
    """Key of the table's ``sources``."""


class CauseRow(_Row):
    """How frequent a cause is among failures, and how many of those customers bring another method in the end."""

    share: Share
    updates: Share


class Funds(_Row):
    """When there is money on an account."""

    enough: Share
    approves: Share
    lasts: tuple[Share, Share]
    tops_up_daily: Share
    top_up_hours: Hours
    never: Share
    never_dear: Share
    arrives_hours: tuple[int, int]
    moves_to_friday: Share


class Paydays(_Row):
    """Shares of payers by how often they are paid."""

    weekly: Weight
    biweekly: Weight
    semimonthly: Weight
    monthly: Weight


class Hold(_Row):
    """When a hold is lifted, and how many attempts are approved then."""

    median_hours: Hours
    spread: Hours
    never: Share
    approves: Share
    night: Share
    weekend: Share


class Outage(_Row):
    """How long an outage lasts, and how many attempts are approved after it."""

    mean_hours: Hours
    approves: Share


class Unknown(_Row):
    """Banks that approve at some hours or on some days only: how many of the stories about money play at one, and what is left there."""

    approves: Share
    gated: Share
    outside: Share


class CustomerActs(_Row):
    """How fast customers bring another method, and how many cancel on a day."""

    half_of_updates_days: Hours
    cancels_daily: Share


class Worth(Frozen):
    """What waiting and attempting cost."""

    waiting_daily: Share
    attempt_cost: Weight
    least_probability: Share


class Prior(Frozen):
    """The whole table; the field meanings are the comments of ``prior.yaml``."""

    version: Literal[1]
    name: str
    sources: Mapping[str, str]
    causes: Mapping[Cause, CauseRow]
    says: Mapping[Cause, Mapping[Family, Weight]]
    codes_repeat: Share
    funds: Funds
    paydays: Mapping[str, Paydays]
    months: Mapping[str, Mapping[Annotated[int, Field(ge=0, le=31)], Weight]]
    payer_days: Share
    hold: Hold
    outage: Outage
    unknown: Unknown
    customer: CustomerActs
    worth: Worth

    @model_validator(mode="after")
    def _complete(self) -> Prior:
        for what, rows in (("causes", self.causes), ("says", self.says)):
            if missing := set(Cause) - set(rows):
                raise ValueError(f"{what} lacks {', '.join(sorted(missing))}")
        for what, countries in (("paydays", self.paydays), ("months", self.months)):
            if "*" not in countries:
                raise ValueError(f"{what} needs an entry '*' for the countries without one")
        rows_with_source = (
            *self.causes.values(), *self.paydays.values(), self.funds, self.hold, self.outage, self.unknown,
            self.customer,
        )  # fmt: skip
        if unknown := {row.source for row in rows_with_source} - set(self.sources):
            raise ValueError(f"sources lacks {', '.join(sorted(unknown))}")
        return self

    def likelihood(self, cause: Cause, family: Family) -> float:
        """How often a bank that refuses for this cause says so with a code of this family."""
        row = self.says[cause]
        return max(row.get(family, 0.0), 1e-3) / sum(row.values())

    def group_of(self, country: str | None) -> tuple[str, str]:
        """The keys under which a country's paydays stand: how often, and on which day of the month."""
        often = country if country in self.paydays else "*"
        day = country if country in self.months else "*"
        return str(often), str(day)


def load_prior(path: Path) -> Prior:
    """The table that a file holds; raises :class:`ConfigurationError` with one sentence when it cannot be used."""
    try:
        return Prior.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise ConfigurationError(
            f"{path}: the prior cannot be read ({error.strerror}); name another file"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: the prior is not YAML; {str(error).splitlines()[0]}") from None
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the table"
        raise ConfigurationError(f"{path}: {place}: {first['msg']}; mend it as in prior.yaml") from None


@cache
def shipped_prior() -> Prior:
    """The table that ships with Recoup."""
    return load_prior(Path(str(files("recoup.timing") / "prior.yaml")))
