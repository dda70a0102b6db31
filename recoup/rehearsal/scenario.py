"""A scenario: a world of one customer's weeks, what else happens in them, and what must have come of it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from recoup.errors import ConfigurationError
from recoup.policy.file import LoadedPolicy, read_policy
from recoup.rules.case import Outcome
from recoup.rules.people import Account
from recoup.worlds import Duration, Key, Misreference, Part, World, WorldError, read_as, text_of

_OWN = ("policy", "operators", "networks", "attempts_at_most", "messages_at_most")
_NEED_DAYS = frozenset({"refuse-suspension", "extend-grace", "pause-until"})
_OUTCOMES = tuple(outcome.value for outcome in Outcome)


class OperatorAct(Part):
    """What an operator says to every open case."""

    at: Duration
    """When, after the first failed payment."""
    says: Literal[
        "approve",
        "refuse-suspension",
        "extend-grace",
        "hand-over",
        "resume",
        "retry-now",
        "pause-until",
        "mark-paid-outside",
        "stop",
    ]
    """The word, as [`recoup case`](commands.md#an-operators-words) has it."""
    days: float | None = Field(default=None, gt=0, le=365, allow_inf_nan=False)
    """With `refuse-suspension` and `extend-grace`: so many days more; with `pause-until`: a pause of so many days."""
    operator: Account = "operator"
    """The account name of who says it."""
    reason: Annotated[str, StringConstraints(min_length=1, max_length=200)] = "rehearsed"
    """Why; it is kept with the case."""

    @model_validator(mode="after")
    def _with_days(self) -> OperatorAct:
        if (self.says in _NEED_DAYS) != (self.days is not None):
            raise ValueError(f"{self.says} {'needs' if self.says in _NEED_DAYS else 'takes no'} days")
        return self


class Renewal(Part):
    """The card network renews a customer's card, and Stripe tells of it."""

    at: Duration
    """When, after the first failed payment."""
    customer: Key
    """Whose default card it is."""
    with_: Key = Field(alias="with")
    """The card that takes its place."""


class Scenario(World):
    """A world, what operators and card networks do in it, and what is held against the end."""

    policy: Mapping[str, Any] | None = None
    """The policy it is played under where `--policy` names no other, with the keys of a [policy file](policy.md); none is the shipped one."""
    operators: tuple[OperatorAct, ...] = ()
    """What operators say to the cases."""
    networks: tuple[Renewal, ...] = ()
    """Cards that their network renews."""
    attempts_at_most: int | None = Field(default=None, ge=0)
    """Recoup must not have made more attempts than this, over all cases; `0`: none."""
    messages_at_most: int | None = Field(default=None, ge=0)
    """Recoup must not have sent more messages than this."""

    def misreferences(self) -> Iterator[Misreference]:
        """Also those of what only a scenario has."""
        yield from super().misreferences()
        for number, renewal in enumerate(self.networks):
            place = ("networks", number)
            if renewal.with_ not in self.cards:
                yield (*place, "with"), renewal.with_, f"no card is called {renewal.with_!r}"
            if renewal.customer not in self.customers:
                yield (*place, "customer"), renewal.customer, f"no customer is called {renewal.customer!r}"
            elif self.customers[renewal.customer].pays_with not in self.cards:
                yield (
                    (*place, "customer"),
                    renewal.customer,
                    f"{renewal.customer} has no card: name one in pays_with",
                )
        for key, customer in self.customers.items():
            for name in ("expects", "expects_return"):
                said = getattr(customer, name)
                if said is not None and said not in _OUTCOMES:
                    known = ", ".join(_OUTCOMES)
                    yield ("customers", key, name), said, f"{said} is no outcome; there are {known}"

    @property
    def world_text(self) -> str:
        """The world alone, as the file of a sandbox."""
        plain = self.model_dump(mode="json", by_alias=True, exclude_unset=True, exclude=set(_OWN))
        return json.dumps(plain)


def load_scenario(path: Path) -> Scenario:
    """The scenario that a file describes.

    Raises:
        ConfigurationError: it cannot be used: the file, the line, the key and what is wrong.
    """
    try:
        scenario = read_as(Scenario, text_of(path), str(path))
    except WorldError as error:
        raise ConfigurationError(str(error).replace("world file", "scenario file")) from error
    own_policy(scenario, path)
    return scenario


def own_policy(scenario: Scenario, path: Path) -> LoadedPolicy:
    """The policy that a scenario is played under where no other is named: its own, or the shipped one.

    Raises:
        ConfigurationError: it cannot be used; the sentence names the line.
    """
    plain = dict(scenario.policy) if scenario.policy is not None else {"version": 1}
    return read_policy(plain, text_of(path), str(path), ("policy",))


def shipped() -> dict[str, Path]:
    """The scenarios that ship with Recoup, by their names."""
    folder = Path(str(files("recoup.rehearsal"))) / "scenarios"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def find(named: str) -> Path:
    """The file of a scenario, named by its path or as a shipped one is called.

    Raises:
        ConfigurationError: there is no such scenario.
    """
    known, path = shipped(), Path(named)
    if named in known:
        return known[named]
    if path.exists() or path.suffix or path.name != named:
        return path
    raise ConfigurationError(
        f"No scenario is called {named}: name a file, or one of {', '.join(known)} (`recoup rehearse --list`)"
    )
