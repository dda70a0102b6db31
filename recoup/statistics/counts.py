"""Two rates of events over the time at risk, compared. Pure.

The interval of the ratio is the exact one: given the sum of both counts, the first is binomial (J. Przyborowski and H. Wilenski,
*Biometrika* 31, 1940), with the limits of C. J. Clopper and E. S. Pearson (*Biometrika* 26, 1934).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from recoup.statistics.intervals import Interval

_TAIL = 0.025
_HALVINGS = 60


def rate_ratio(events: int, time: float, before: int, time_before: float) -> Interval | None:
    """The rate of ``events`` in ``time``, as a multiple of the one before; nothing where a count is nought, or a time.

    ``time`` is what was at risk: subscription-months, for instance.
    """
    if min(events, before) <= 0 or min(time, time_before) <= 0:
        return None
    total = events + before
    low, high = _share_limits(events, total)
    scale = time_before / time
    return Interval(events / before * scale, _odds(low) * scale, _odds(high) * scale)


def _odds(share: float) -> float:
    return math.inf if share >= 1 else share / (1 - share)


def _share_limits(successes: int, count: int) -> tuple[float, float]:
    """Between these shares neither tail is rarer than 2.5 %."""
    low = _crossing(lambda share: _at_least(successes, count, share) >= _TAIL)
    high = _crossing(lambda share: _at_least(successes + 1, count, share) >= 1 - _TAIL)
    return low, high


def _crossing(is_reached: Callable[[float], bool]) -> float:
    """The share from which on it is so."""
    low, high = 0.0, 1.0
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if is_reached(middle) else (middle, high)
    return high


def _at_least(successes: int, count: int, share: float) -> float:
    """The probability of so many successes or more."""
    if not 0 < share < 1:
        return 1.0 if share >= 1 or successes <= 0 else 0.0
    whole = math.lgamma(count + 1)
    return math.fsum(
        math.exp(
            whole
            - math.lgamma(k + 1)
            - math.lgamma(count - k + 1)
            + k * math.log(share)
            + (count - k) * math.log1p(-share)
        )
        for k in range(successes, count + 1)
    )
