"""Learning within a world: what a company there would have on record, and the stories of a model that learned from it."""

from __future__ import annotations

from itertools import islice

from recoup.simulation.cases import draw_cases
from recoup.simulation.choosers import AtRandom
from recoup.simulation.logs import as_text, attempts_of
from recoup.simulation.population import Population
from recoup.simulation.rivals import Setting, campaign_for
from recoup.timing._stories import Stories
from recoup.timing.model import stories_for
from recoup.timing.training import read_attempts, train

_OTHER_SEED = 7_001
"""Added to the seed of the cases that judge, so that none of them is learned from."""


def attempts_log(world: Population, setting: Setting, count: int, *, seed: int) -> list[str]:
    """The attempts that a company in this world would have on record had it tried at random moments: JSON Lines to learn from."""
    cases = draw_cases(world, count, seed=seed, window_days=setting.days)
    return as_text(attempts_of(cases, campaign_for(setting), AtRandom(setting)))


def learned_from(world: Population, setting: Setting, attempts: int, *, seed: int) -> Stories:
    """What decides after so many attempts on record, first failures among them, of other cases than ``seed`` draws."""
    enough = attempts // 2 + 1  # a failure leaves more than two attempts on the mean
    cases = draw_cases(world, enough, seed=seed + _OTHER_SEED, window_days=setting.days)
    made = attempts_of(cases, campaign_for(setting), AtRandom(setting))
    lines, _ = read_attempts(as_text(islice(made, attempts)))
    return stories_for(train(lines, seed=seed))
