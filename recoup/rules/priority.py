"""How much a case matters to the company: a score from 0 to 100, and what it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, StringConstraints

from recoup.rules.base import Frozen
from recoup.rules.segments import Facts, When, reason

HIGHEST = 100


class PriorityRule(Frozen):
    """What makes a case matter more, or less."""

    when: When
    """The conditions, as those of a campaign."""
    add: Annotated[int, Field(strict=True, ge=-HIGHEST, le=HIGHEST)]
    """So many points; less than 0 takes them away."""
    because: Annotated[str, StringConstraints(min_length=1, max_length=120)] | None = None
    """The reason as people read it; by default the conditions that held."""


class Priority(Frozen):
    """The score of one case."""

    score: int = 0
    """0 to 100."""
    because: tuple[str, ...] = ()
    """Each rule that held, with its points."""


def priority(rules: Sequence[PriorityRule], facts: Facts) -> Priority:
    """Add up the rules that hold; the sum is kept between 0 and 100."""
    held = [(rule, said) for rule in rules if (said := reason(rule.when, facts)) is not None]
    total = sum(rule.add for rule, _ in held)
    return Priority(
        score=min(max(total, 0), HIGHEST),
        because=tuple(f"{rule.add:+d} {rule.because or said}" for rule, said in held),
    )
