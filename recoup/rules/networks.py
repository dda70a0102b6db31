"""The network guard: how often a card may be tried and a debit presented, as rules with their sources.

The answer is "yes" or "not before": a refusal names the next moment at which the attempt would be allowed, or none where
it never will be with this method. For a card all attempts on it count, whoever made them and for whatever invoice; for a
bank debit or another method the presentations of the same debt do (:mod:`recoup.rules.codes.schemes`).
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache

from recoup.rules.base import Frozen
from recoup.rules.codes import Scheme, Source, scheme_of
from recoup.rules.declines import Decline, forbidden

MONTH = timedelta(days=30)
DAY = timedelta(hours=24)


class NetworkRule(Frozen):
    """At most ``limit`` attempts within ``window``, from ``since`` on."""

    network: str
    limit: int
    window: timedelta
    since: date
    source: Source


_READ = date(2026, 11, 22)
_MASTERCARD = "developers.tabapay.com/docs/mastercard-1"

RULES: tuple[NetworkRule, ...] = (
    NetworkRule(
        network="visa",
        limit=15,
        window=MONTH,
        since=date(2021, 4, 17),
        source=Source("Visa, excessive reattempts: 15 in 30 days (docs.adyen.com, worldpay)", _READ),
    ),
    NetworkRule(
        network="visa",
        limit=20,
        window=MONTH,
        since=date(2025, 5, 25),
        source=Source(
            "Visa Core Rules 2026-04-18, table 7-2; docs.cielo.com.br: 20 in 30 days from 2025-05-25", _READ
        ),
    ),
    NetworkRule(
        network="mastercard",
        limit=10,
        window=DAY,
        since=date(2023, 1, 1),
        source=Source(
            f"Mastercard, excessive authorizations: 10 declined in 24 hours ({_MASTERCARD})", _READ
        ),
    ),
    NetworkRule(
        network="mastercard",
        limit=35,
        window=MONTH,
        since=date(2023, 1, 1),
        source=Source(f"Mastercard, excessive authorizations: 35 in 30 days ({_MASTERCARD})", _READ),
    ),
    NetworkRule(
        network="*",
        limit=20,
        window=MONTH,
        since=date(2021, 1, 1),
        source=Source("no public figure for the other networks; Recoup keeps to Visa's", _READ),
    ),
    NetworkRule(
        network="*",
        limit=10,
        window=DAY,
        since=date(2021, 1, 1),
        source=Source(
            "no public figure for the other networks, and a card of an unknown one may be Mastercard's", _READ
        ),
    ),
)

DEFAULT_CAP = 15
"""Attempts on one card in 30 days where the operator says nothing: safe under every rule above, old and new."""

HIGHEST_CAP = 20
"""An operator's cap may be lower than this, never higher."""


class Permission(Frozen):
    """The guard's answer."""

    allowed: bool
    because: str
    not_before: datetime | None = None
    """The next moment at which it would be allowed; ``None`` with a refusal means never with this method."""


def may_attempt(
    brand: str | None,
    attempts: Sequence[datetime],
    last_decline: Decline | None,
    at: datetime,
    cap: int = DEFAULT_CAP,
    method_type: str = "card",
) -> Permission:
    """Whether one more attempt with a card, or another method, is allowed at this moment.

    Args:
        brand: the card's network as Stripe names it; unknown ones fall under the general rule.
        attempts: when the card was tried before, whoever did it; for another method, when this debt was presented to it.
        last_decline: the newest refusal of this card; for another method, of this debt by it.
        at: the moment of the attempt, in any time zone; windows are hours and days hold in UTC, whatever local clocks do.
        cap: the operator's own limit for 30 days.
        method_type: the kind of method as Stripe names it (``sepa_debit``).
    """
    # Within one time zone Python compares and subtracts by the wall clock, an hour wrong where summer begins or ends.
    at, attempts = at.astimezone(UTC), [moment.astimezone(UTC) for moment in attempts]
    if last_decline is not None and (never := forbidden(last_decline, at.date())):
        return Permission(allowed=False, because=f"{never}; it is never tried again")
    if scheme := scheme_of(method_type):
        return _may_present(scheme, attempts, at, cap)
    latest, rule = _binding(brand, attempts, at, cap)
    if latest <= at:
        return Permission(allowed=True, because="no limit of the networks is reached")
    hours = rule.window // timedelta(hours=1)
    because = f"{rule.limit} attempts on this card in {hours} hours are the limit ({rule.source.name})"
    not_before = _first_allowed(brand, attempts, at, cap)
    return Permission(allowed=False, because=because, not_before=not_before)


def _binding(
    brand: str | None, attempts: Sequence[datetime], at: datetime, cap: int
) -> tuple[datetime, NetworkRule]:
    """Which of the rules in force at a moment binds longest, and until when."""
    free = [(_free_from(attempts, rule, at), rule) for rule in _in_force(brand, at.date(), cap)]
    return max(free, key=lambda pair: pair[0])


def _first_allowed(brand: str | None, attempts: Sequence[datetime], at: datetime, cap: int) -> datetime:
    """The first moment at which every rule that is in force then has room; rules may change before it comes."""
    changes = sorted(datetime.combine(rule.since, time(), UTC) for rule in RULES)
    while (free := _binding(brand, attempts, at, cap)[0]) > at:
        at = min([free, *(change for change in changes if at < change)])
    return at


def _may_present(scheme: Scheme, presented: Sequence[datetime], at: datetime, cap: int) -> Permission:
    """Whether the same debt may be presented once more; what a scheme refuses, no later moment allows."""
    limit = min(scheme.retries + 1, cap)
    if len(presented) >= limit:
        because = f"{scheme.name}: a debt is presented {limit} times at most ({scheme.source.name})"
        return Permission(allowed=False, because=because)
    if presented and at > min(presented) + scheme.window:
        because = (
            f"{scheme.name}: none later than {scheme.window.days} days after the first ({scheme.source.name})"
        )
        return Permission(allowed=False, because=because)
    return Permission(allowed=True, because=f"{scheme.name}: presentation {len(presented) + 1} of {limit}")


def rules_for(brand: str | None, on: date) -> list[NetworkRule]:
    """The rules in force for a network on a day: for each window the newest."""
    named = [rule for rule in RULES if rule.network == brand] or [
        rule for rule in RULES if rule.network == "*"
    ]
    newest: dict[timedelta, NetworkRule] = {}
    for rule in sorted(named, key=lambda rule: rule.since):
        if rule.since <= on:
            newest[rule.window] = rule
    return list(newest.values())


@lru_cache(maxsize=4096)
def _in_force(brand: str | None, on: date, cap: int) -> tuple[NetworkRule, ...]:
    """The rules of a network on a day, and the operator's own; kept, because a few come again and again."""
    return (*rules_for(brand, on), _own(cap))


def _own(cap: int) -> NetworkRule:
    return NetworkRule(
        network="*",
        limit=min(cap, HIGHEST_CAP),
        window=MONTH,
        since=date(2000, 1, 1),
        source=Source("the operator's own cap", date(2000, 1, 1)),
    )


def _free_from(attempts: Sequence[datetime], rule: NetworkRule, at: datetime) -> datetime:
    """The first moment from ``at`` on at which one more attempt fits under the rule.

    An attempt exactly one window old does not count any more.
    """
    inside = sorted(moment for moment in attempts if moment > at - rule.window)
    if len(inside) < rule.limit:
        return at
    return inside[len(inside) - rule.limit] + rule.window
