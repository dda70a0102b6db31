"""Which customers an experiment treats otherwise, and how many it takes to see a difference. Pure.

The unit is the customer: all their cases are treated alike, however often a payment of theirs fails, because chance is a hash of
their id and the experiment's name. Sources: for the number of customers Fleiss, Levin and Paik, *Statistical Methods for Rates
and Proportions*, 3rd edition, 4.2 (two proportions, unequal groups, without continuity correction).
"""

from __future__ import annotations

import hashlib
import math
from enum import StrEnum
from typing import Annotated

from pydantic import Field

from recoup.rules.base import Frozen

SIGNIFICANCE_QUANTILE = 1.959963984540054
"""Of the standard normal distribution at 0.975: 5 % for both sides together."""
POWER_QUANTILE = 0.8416212335729143
"""Of the standard normal distribution at 0.8: a difference as large as planned for is found four times of five."""
_SPAN = 2.0**64


class Arm(StrEnum):
    """Which way a customer is treated."""

    CONTROL = "control"
    """As before: by the campaign that the experiment looks at."""
    TREATMENT = "treatment"
    """By the campaign that stands in the experiment."""


class Assigned(Frozen):
    """What chance said about a customer."""

    experiment: str
    arm: Arm
    propensity: Annotated[float, Field(gt=0, lt=1)]
    """The probability of this arm, for whoever judges by it later."""


def assign(experiment: str, share: float, customer: str) -> Assigned:
    """The arm of a customer: the same for ever, and for other experiments independent of this one."""
    digest = hashlib.sha256(f"{experiment}/{customer}".encode()).digest()
    treated = int.from_bytes(digest[:8]) / _SPAN < share
    arm = Arm.TREATMENT if treated else Arm.CONTROL
    return Assigned(experiment=experiment, arm=arm, propensity=share if treated else 1 - share)


def customers_needed(assumed: float, least: float, share: float) -> dict[Arm, int]:
    """How many customers each arm needs for a difference of ``least`` to be found in four experiments of five.

    ``assumed`` is the recovery rate of the control, ``share`` the part of customers that is treated.
    """
    ratio = (1 - share) / share
    other = assumed + least if assumed + least < 1 else assumed - least
    mean = (other + ratio * assumed) / (1 + ratio)
    under_equal = math.sqrt((1 + 1 / ratio) * mean * (1 - mean))
    under_planned = math.sqrt(other * (1 - other) + assumed * (1 - assumed) / ratio)
    treated = ((SIGNIFICANCE_QUANTILE * under_equal + POWER_QUANTILE * under_planned) / least) ** 2
    return {Arm.TREATMENT: math.ceil(treated), Arm.CONTROL: math.ceil(treated * ratio)}
