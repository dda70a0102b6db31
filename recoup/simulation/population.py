"""Populations: the worlds of the simulator, each a file that says why payments fail there and how its banks and customers act.

A population's ``truth`` has the form of the prior's table (:mod:`recoup.timing.prior`): it is what the prior would say if it knew this world.
``gates`` are what the prior has no word for: banks that approve at some hours, weekdays or days of the month only.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError, model_validator

from recoup.errors import ConfigurationError
from recoup.rules.base import Frozen
from recoup.timing.prior import Prior, Share, Weight


class Mix(Frozen):
    """Who the customers are: shares of each kind, and how large their invoices are."""

    countries: Mapping[str, Weight]
    brands: Mapping[str, Weight]
    fundings: Mapping[str, Weight]
    amount: Annotated[float, Field(gt=0)]
    """The middle invoice, in minor units of ``currency``."""
    amount_spread: Weight
    """Standard deviation of the amount's logarithm."""
    currency: str
    known_payers: Share
    """Share of customers of whom earlier approvals are known."""


class Issuers(Frozen):
    """How the banks differ from each other."""

    count: Annotated[int, Field(ge=1, le=500)]
    words: Weight
    """How far the banks' choices of codes lie apart: standard deviation of the logarithm of each code's share."""
    repeats: Share
    """Share of refusals that use the first refusal's code again, whatever the bank's habits are."""
    impatient: Share
    """What an attempt on a held card loses when it comes within 20 hours of the one before."""


class Gate(Frozen):
    """When banks approve at all; outside of it a chance is multiplied by ``outside``."""

    hours: tuple[int, int] | None = None
    """From an hour of the local day, for so many hours."""
    weekdays: tuple[Annotated[int, Field(ge=0, le=6)], ...] | None = None
    """0 is Monday."""
    days_of_month: tuple[int, int] | None = None
    """From a day, to a day."""
    outside: Share = 0.05
    by_issuer: bool = False
    """Whether every bank has its own hours or days, shifted from those of its neighbour."""


class Population(Frozen):
    """One world of the simulator."""

    version: Literal[1]
    name: str
    about: str = ""
    seed: int = 0
    mix: Mix
    issuers: Issuers
    truth: Prior
    gates: tuple[Gate, ...] = ()
    timeless: bool = False
    """Whether the moment of an attempt makes no difference: then no way of choosing it can be better than another."""

    @model_validator(mode="after")
    def _explained(self) -> Population:
        shares = sum(row.share for row in self.truth.causes.values())
        if abs(shares - 1.0) > 1e-6:
            raise ValueError(f"truth.causes add up to {shares:g}, not to 1")
        if self.truth.causes["unknown"].share > 0:  # type: ignore[index]
            raise ValueError("truth.causes.unknown must be 0: in a world everything has a cause")
        return self


def load_population(name_or_path: str) -> Population:
    """A world by the name under which it ships, or from a file.

    A file with ``like: NAME`` says only what differs from that shipped world. Raises :class:`ConfigurationError` with one
    sentence when it cannot be used.
    """
    shipped = Path(str(files("recoup.simulation") / "worlds" / f"{name_or_path}.yaml"))
    return read_population(shipped if name_or_path in shipped_names() else Path(name_or_path))


def shipped_names() -> tuple[str, ...]:
    """The names of the worlds that ship with Recoup."""
    folder = Path(str(files("recoup.simulation") / "worlds"))
    return tuple(sorted(path.stem for path in folder.glob("*.yaml")))


def read_population(path: Path) -> Population:
    """The world that a file describes; raises :class:`ConfigurationError`."""
    try:
        return Population.model_validate(_merged(path))
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(step) for step in first["loc"]) or "the world"
        raise ConfigurationError(
            f"{path}: {place}: {first['msg']}; docs/simulate.md shows the form"
        ) from None


def _merged(path: Path) -> dict[str, Any]:
    try:
        said = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        names = ", ".join(shipped_names())
        raise ConfigurationError(
            f"{path}: no such world ({error.strerror}); those that ship are {names}"
        ) from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not YAML; {str(error).splitlines()[0]}") from None
    if not isinstance(said, dict):
        raise ConfigurationError(f"{path}: a world is a mapping; docs/simulate.md shows the form")
    like = said.pop("like", None)
    if like is None:
        return said
    if like not in shipped_names():
        raise ConfigurationError(
            f"{path}: like: no world {like!r} ships; take one of {', '.join(shipped_names())}"
        )
    base = _merged(Path(str(files("recoup.simulation") / "worlds" / f"{like}.yaml")))
    return laid_over(base, said)


WHOLE = frozenset({"countries", "brands", "fundings", "months", "paydays", "gates"})
"""Keys whose value is taken whole, not key by key: shares of kinds that the other world need not have."""


def laid_over(base: dict[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    """What a world says, over what the world it is like says."""
    merged = dict(base)
    for key, value in said.items():
        below = merged.get(key)
        nested = isinstance(value, dict) and isinstance(below, dict) and key not in WHOLE
        merged[key] = laid_over(below, value) if nested else value  # type: ignore[arg-type]
    return merged
