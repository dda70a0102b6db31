"""The customers of drawn cases as a world file, so that the sandbox plays whom the simulator plays.

Each case becomes one customer with one card and one subscription that renews when the case fails. The card's bank refuses that renewal
with the case's codes; from then on it answers by the calendar, with the case's chance of each hour and what it says on each day, as
:mod:`recoup.simulation.play` counts them. What the customer does without a message is the case's own end.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml

from recoup.errors import ConfigurationError
from recoup.rules.declines import Decline
from recoup.simulation._paths import CAUSES
from recoup.simulation.cases import Cases, Season, draw_cases
from recoup.simulation.play import IMPATIENT_HOURS, is_impatient
from recoup.simulation.population import Population
from recoup.timing.prior import Cause
from recoup.timing.situation import zone_of
from recoup.worlds import WorldError, read_world
from recoup.worlds.loading import LARGEST_FILE

LEAST_DAYS = 28
"""For so many days after its failure at least a card's answers are written; later ones are those of the last hour."""
_NEVER_RENEWS_AGAIN = "year"
"""Within the weeks that are played every subscription renews once, because a case is one failure."""
_AUTHENTICATION = "authentication_required"
_WHY = {
    Cause.NO_FUNDS: "the money is not there",
    Cause.HOLD: "the bank holds the card back",
    Cause.OUTAGE: "something between the banks does not work",
    Cause.DEAD: "the card is of no use any more",
    Cause.CONFIRM: "the customer has to confirm",
}


def world_file(world: Population, count: int, *, seed: int, window_days: int, season: Season) -> str:
    """So many customers of a world as the YAML of a sandbox's world; the same for the same arguments.

    They are the cases that :func:`draw_cases` draws in that season. Raises :class:`ConfigurationError` when the world has what the
    sandbox's format cannot say, a card network that Stripe does not know for instance.
    """
    cases = draw_cases(world, count, seed=seed, window_days=max(window_days, LEAST_DAYS), season=season)
    text = yaml.safe_dump(
        world_of(cases, seed, season.begins), sort_keys=False, default_flow_style=None, width=200
    )
    if len(text) > LARGEST_FILE:
        raise ConfigurationError(
            f"{count} customers of {world.name} make a file of {len(text) / 1e6:.1f} MB, and a world file has at most"
            f" {LARGEST_FILE // 1_000_000}; ask for fewer with --cases"
        )
    try:
        read_world(text, f"The sandbox cannot play the world {world.name}")
    except WorldError as error:
        raise ConfigurationError(str(error)) from None
    return text


def write(path: Path, world: Population, count: int, *, seed: int, window_days: int, season: Season) -> str:
    """Write :func:`world_file` to a path; answers a sentence for whoever asked for it.

    Raises :class:`ConfigurationError` when the world does not fit the sandbox or the file cannot be written.
    """
    text = world_file(world, count, seed=seed, window_days=window_days, season=season)
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror or error}") from None
    return (
        f"{path}: {count} customers of {world.name}, whose payments fail in the four weeks from"
        f" {season.begins:%Y-%m-%d}; play them with `recoup demo --world {path}`"
    )


def world_of(cases: Cases, seed: int, begins: datetime) -> dict[str, Any]:
    """These cases as the plain data of a sandbox's world that begins at a moment."""
    cards: dict[str, Any] = {}
    customers: dict[str, Any] = {}
    for case in range(len(cases)):
        key = f"c{case + 1:04}"
        cards[f"{key}_card"] = {**_plastic(cases, case), "issuer": list(issuer_of(cases, case))}
        if cases.updated[case] and _acts(cases, case):
            cards[f"{key}_new"] = _plastic(cases, case)
        customers[key] = _customer(cases, case, key, begins)
    about = f"{len(cases)} customers of the simulator's world {cases.world.name!r}, seed {seed}."
    return {
        "version": 1,
        "name": cases.world.name,
        "about": f"{about} {cases.world.about}".strip(),
        "seed": seed,
        "start": begins.isoformat(),
        "cards": cards,
        "customers": customers,
    }


def issuer_of(cases: Cases, case: int) -> Iterator[dict[str, Any]]:
    """The phases of a case's card: the failure, then stretches of hours in which chance and codes stay the same."""
    yield _refusing(cases.decline(case, 0), 0.0, hasty=None) | {"for_attempts": 1}
    midnight = cases.failed_at[case] - timedelta(seconds=int(cases.failed_seconds[case]))
    loses = cases.world.issuers.impatient if is_impatient(cases, case) else None
    first = int(cases.failed_seconds[case]) // 3600
    said: dict[str, Any] | None = None
    for hour in range(first, int(cases.chance.shape[1])):
        # A moment of that hour after the failure: what the first failure was told counts for its own moment alone.
        seconds = max(hour * 3600 - int(cases.failed_seconds[case]), 1)
        chance = round(float(cases.chance[case, hour]), 4)
        now = _answer(cases.decline(case, seconds), chance, loses)
        if said is not None and now != said:
            yield said | {"until_at": (midnight + timedelta(hours=hour)).isoformat()}
        said = now
    if said is not None:
        yield said


def _answer(decline: Decline, chance: float, loses: float | None) -> dict[str, Any]:
    if chance >= 1 and not loses:
        return {"approves": True}
    if chance <= 0 and decline.code == _AUTHENTICATION:
        return {"needs_authentication": True}
    return _refusing(decline, chance, loses)


def _refusing(decline: Decline, chance: float, hasty: float | None) -> dict[str, Any]:
    codes = {"decline_code": decline.code, "network_decline_code": decline.network_decline_code}
    phase: dict[str, Any] = {"declines": {name: code for name, code in codes.items() if code is not None}}
    if chance > 0:
        phase["succeeds_with_probability"] = min(chance, 0.9999)
        if hasty:
            phase["too_soon"] = {"within": {"hours": IMPATIENT_HOURS}, "loses": hasty}
    return phase


def _plastic(cases: Cases, case: int) -> dict[str, Any]:
    return {"brand": cases.brand[case], "funding": cases.funding[case], "country": cases.country[case]}


def _customer(cases: Cases, case: int, key: str, begins: datetime) -> dict[str, Any]:
    country = cases.country[case]
    cause = CAUSES[int(cases.cause[case])]
    after = cases.failed_at[case] - begins
    renewal = {
        "product": "Plan",
        "amount": int(cases.amount[case]),
        "currency": cases.world.mix.currency,
        "interval": _NEVER_RENEWS_AGAIN,
        "renews_in": _duration(after.total_seconds()),
    }
    customer: dict[str, Any] = {
        "name": f"Customer {case + 1}",
        "email": f"{key}@example.com",
        "country": country,
        "timezone": str(zone_of(None, country)),
        "about": f"{cause.value}, {_WHY[cause]}; bank {int(cases.issuer[case])}",
        "pays_with": f"{key}_card",
        "subscriptions": [renewal],
    }
    if _acts(cases, case):
        act = {"at": _duration(float(cases.ends[case])), "does": "cancel_subscription"}
        if cases.updated[case]:
            act |= {"does": "update_card_elsewhere", "with": f"{key}_new"}
        customer["behaviour"] = [act]
    return customer


def _acts(cases: Cases, case: int) -> bool:
    """Whether the customer's own end comes within the window; a later one is beyond what the simulator looks at."""
    return bool(cases.ends[case] < (cases.words.shape[1] - 2) * 86400)


def _duration(seconds: float) -> dict[str, float]:
    days, rest = divmod(int(seconds), 86400)
    return {"days": days, "minutes": rest / 60}
