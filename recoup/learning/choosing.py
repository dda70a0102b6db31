"""Choosing the moment of one attempt: by the prior or by the case's model, now and then by chance, and always with what else was considered."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import datetime

from recoup.errors import ConfigurationError
from recoup.learning.models import Learned, Models
from recoup.rules.policy import ModelUse, Retries
from recoup.timing._stories import shipped_stories
from recoup.timing.belief import believe
from recoup.timing.planner import Plan, plan
from recoup.timing.situation import Limits, Situation, slot_of
from recoup.timing.ties import Candidate, Drawn, draw

NONE = "none"
"""What a case is pinned to that began to be planned before any model was promoted."""


@dataclass(frozen=True, slots=True)
class Pinned:
    """The model that a case keeps, as far as it is there."""

    version: str
    learned: Learned | None = None
    trouble: str | None = None
    """Why the prior decides although a model was asked for."""


@dataclass(frozen=True, slots=True)
class Choice:
    """A planned moment, and everything that is needed to judge it later."""

    drawn: Drawn
    because: str
    model: str | None
    """The version of the model that decided; ``None``: the prior did."""
    pinned: str | None
    """What the case keeps; ``None`` where its campaign asks for no model."""
    by: dict[str, Plan]
    """What each of the ways that were asked would have chosen: ``prior``, and ``model`` where there is one."""
    prior_chances: dict[datetime, float]
    """The prior's chance at each candidate: it learned from none of these attempts."""
    shadow: Drawn | None = None
    """What the model would have drawn in the prior's place, where it is only asked."""


def pin(models: Models | None, kept: str | None, use: ModelUse, now: datetime) -> Pinned | None:
    """The model of a case: the one it began with, or else the one that is promoted now; nothing where none is asked for."""
    if use is ModelUse.NONE or models is None:
        return None
    promoted = models.promoted() if kept is None else None
    version = kept or (promoted.version if promoted is not None else NONE)
    if version == NONE:
        return Pinned(NONE)
    if models.withdrawn(version) is not None:
        return Pinned(version, trouble=f"the model {version} was withdrawn")
    try:
        learned = models.get(version)
    except ConfigurationError:
        return Pinned(version, trouble=f"the file of the model {version} is missing or damaged")
    if not learned.model.is_fresh(now):
        return Pinned(version, trouble=f"the model {version} has grown old")
    return Pinned(version, learned)


def choose(
    retries: Retries, situation: Situation, limits: Limits, pinned: Pinned | None, dice: float
) -> Choice:
    """Choose the moment as the campaign says; pure but for the tables that are loaded."""
    prior = shipped_stories()
    learned = pinned.learned if pinned is not None else None
    decides = learned if learned is not None and retries.model is ModelUse.PROMOTED else None
    stories = decides.stories if decides is not None else prior
    drawn = draw(stories, situation, limits, explore=retries.explore, dice=dice)
    by = {"prior": plan(prior, situation, limits)}
    if learned is not None:
        by["model"] = plan(learned.stories, situation, limits)
    shadow = None
    if learned is not None and decides is None:
        shadow = draw(learned.stories, situation, limits, explore=retries.explore, dice=dice)
    return Choice(
        drawn=drawn,
        because=_because(drawn.plan.because, pinned, decides),
        model=decides.version if decides is not None else None,
        pinned=pinned.version if pinned is not None else None,
        by=by,
        prior_chances=_chances(situation, drawn.candidates),
        shadow=shadow,
    )


def dice_of(*keys: str) -> float:
    """A number in [0, 1) that hangs on the keys alone: the same question, asked again, falls the same way."""
    digest = hashlib.sha256("/".join(keys).encode()).digest()
    return int.from_bytes(digest[:7], "big") / 2**56


def _because(said: str, pinned: Pinned | None, decides: Learned | None) -> str:
    if decides is not None:
        return f"by the model {decides.version}, learned from your own attempts: {said}"
    if pinned is not None and pinned.trouble is not None:
        return f"{said}; {pinned.trouble}, so the prior decided"
    return said


def _chances(situation: Situation, candidates: tuple[Candidate, ...]) -> dict[datetime, float]:
    if not candidates:
        return {}
    slots = {one.at: slot_of(one.at, situation.zone) for one in candidates}
    belief = believe(shipped_stories(), situation, max(slots.values()) + 1)
    return {at: round(belief.chance(slot), 4) for at, slot in slots.items()}
