"""All figures of one selection, as one value."""

from __future__ import annotations

from recoup.figures.causes import Causes
from recoup.figures.churn import Churn
from recoup.figures.costs import Costs
from recoup.figures.funnel import Funnel
from recoup.figures.recovery import RecoveryRate
from recoup.figures.selection import Selection
from recoup.figures.times import TimeToRecover
from recoup.figures.tries import Attempts, Declines
from recoup.figures.values import NotEnough
from recoup.figures.worth import LifetimeValue
from recoup.rules.base import Frozen


class Figures(Frozen):
    """What ``recoup report --json`` prints. Rates are fractions, amounts minor units, times days."""

    period: Selection
    recovery_rate: RecoveryRate
    causes: Causes
    time_to_recover: TimeToRecover
    involuntary_churn: Churn | NotEnough
    lifetime_value: LifetimeValue | NotEnough
    attempts: Attempts
    declines: Declines
    funnel: Funnel
    costs: Costs
