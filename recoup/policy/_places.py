"""Countries that a policy names: whether there is such a one. The rules only know how a country is written."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from recoup.rules.policy import Policy
from recoup.rules.policy_checks import Mistake
from recoup.rules.segments import When


def unknown_countries(policy: Policy) -> Iterator[Mistake]:
    """Every country that does not exist: its holidays would never count, its customers never be found."""
    named = policy.contact.default_country
    if named is not None and not _is_country(named):
        yield Mistake(place=("contact", "default_country"), because=_because(named))
    for number, campaign in enumerate(policy.campaigns):
        yield from _of(campaign.when, ("campaigns", number, "when"))
    for number, rule in enumerate(policy.priority):
        yield from _of(rule.when, ("priority", number, "when"))


def _of(when: When | None, place: tuple[int | str, ...]) -> Iterator[Mistake]:
    for number, country in enumerate(when.country if when is not None else ()):
        if not _is_country(country):
            yield Mistake(place=(*place, "country", number), because=_because(country))


def _is_country(code: str) -> bool:
    return code in _known()


def _because(code: str) -> str:
    meant = "; did you mean GB?" if code == "UK" else ""
    return f"there is no country {code}; countries are written as ISO 3166 has them, such as PL{meant}"


@cache
def _known() -> frozenset[str]:
    """The codes that addresses at Stripe have (ISO 3166-1); the same package tells the holidays."""
    # It takes a while to import, and most policies name no country.
    import holidays

    return frozenset(holidays.list_supported_countries(include_aliases=False))
