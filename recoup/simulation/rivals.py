"""The schedules of the field, as far as their vendors publish them, and what every way of choosing moments is compared with.

Stripe's own times within its two weeks are not public: eight even ones stand for them. Sources: Stripe, "Smart Retries" (eight tries in
two weeks); Polar, Kill Bill, Meteroid and Recurly, their documentation of retries, read in November 2026.
"""

from __future__ import annotations

from dataclasses import dataclass

from recoup.rules.policy import Campaign, LastNotice, MessageStep, Retries, Timing


@dataclass(frozen=True, slots=True)
class Setting:
    """How many retries in how many days."""

    attempts: int
    days: int

    def __str__(self) -> str:
        return f"{self.attempts} in {self.days} days"


SETTINGS = (Setting(8, 14), Setting(4, 14), Setting(8, 28))
"""The settings of the published figures."""

_PUBLISHED: dict[str, tuple[float, ...]] = {
    "polar": (2, 7, 14, 21),
    "kill-bill": (8, 16, 24),
    "meteroid": (3, 5, 7),
    "recurly-like": (2, 5, 8, 11, 14, 17, 20, 23),
    "days 1, 3, 5, 7": (1, 3, 5, 7),
}


def schedules(setting: Setting) -> dict[str, tuple[float, ...]]:
    """The fixed schedules that fit a setting, in days after the failure."""
    attempts, days = setting.attempts, setting.days
    found = {
        "even": tuple(round(days * (number + 1) / attempts - 0.01, 4) for number in range(attempts)),
        "daily": tuple(float(number + 1) for number in range(min(attempts, days))),
    }
    for name, published in _PUBLISHED.items():
        kept = tuple(float(day) for day in published if day <= days)[:attempts]
        if kept:
            found[name] = kept
    return found


def campaign_for(setting: Setting, after_days: tuple[float, ...] | None = None) -> Campaign:
    """A campaign with these retries; without any, as many as the setting has, to be planned case by case."""
    spread = tuple(setting.days * (n + 1) / (setting.attempts + 1) for n in range(setting.attempts))
    retries = after_days if after_days is not None else spread
    return Campaign(
        messages=(
            MessageStep(template="payment_failed", after_days=0),
            MessageStep(template="reminder", after_days=3),
            MessageStep(template="reminder", after_days=7),
        ),
        retries=Retries(
            after_days=retries,
            timing=Timing.FIXED if after_days is not None else Timing.PLANNED,
            min_gap_days=Retries().min_gap_days if after_days is not None else 0.0,
        ),
        window_days=setting.days,
        warning=LastNotice(days_before=2),
        grace_days=7,
    )
