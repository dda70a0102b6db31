"""``recoup simulate``: policies against worlds, and what came of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from time import perf_counter
from types import MappingProxyType
from typing import Any

from recoup.simulation.cases import YEAR, Cases, Season, draw_cases
from recoup.simulation.choosers import AtRandom, Clairvoyant, Planned, WorldStories
from recoup.simulation.drawn import family_world, odd_world
from recoup.simulation.figures import Figure, figures
from recoup.simulation.play import Chooser, Score, play_chosen, play_fixed
from recoup.simulation.population import Population, load_population
from recoup.simulation.rivals import Setting, campaign_for, schedules
from recoup.timing._stories import Stories, shipped_stories


@dataclass(frozen=True, slots=True)
class Result:
    """One world in one setting."""

    world: str
    setting: str
    cases: int
    seed: int
    customers_alone: float
    """Share of the failed money that customers bring without any retry."""
    figures: list[Figure]
    cases_a_second: dict[str, float]
    """How fast each policy was played; the only part that differs from run to run."""

    def as_json(self) -> dict[str, Any]:
        """The same for programs; what was measured with a stopwatch is left out, so that one seed gives one text."""
        plain = asdict(self)
        plain.pop("cases_a_second")
        return plain


def worlds(names: Iterable[str], family: int, odd: int) -> Iterator[Population]:
    """Worlds by name or file, then so many drawn within the family of the reference world and outside it."""
    yield from (load_population(name) for name in names)
    yield from (family_world(number) for number in range(1, family + 1))
    yield from (odd_world(number) for number in range(1, odd + 1))


def simulate(
    world: Population,
    setting: Setting,
    count: int,
    *,
    seed: int,
    bounds: bool = True,
    learned: Mapping[str, Stories] = MappingProxyType({}),
    season: Season = YEAR,
) -> Result:
    """Play every policy on the same cases of one world; ``learned`` are the stories of models to be judged beside them, by name."""
    cases = draw_cases(world, count, seed=seed, window_days=setting.days, season=season)
    scores: dict[str, Score] = {}
    speed: dict[str, float] = {}
    for name, after_days in schedules(setting).items():
        begun = perf_counter()
        scores[name] = play_fixed(cases, name, campaign_for(setting, after_days))
        speed[name] = count / max(perf_counter() - begun, 1e-9)
    for name, chooser in _choosers(world, setting, bounds, learned):
        begun = perf_counter()
        scores[name] = play_chosen(cases, name, campaign_for(setting), chooser)
        speed[name] = count / max(perf_counter() - begun, 1e-9)
    failed = float(cases.amount.sum())
    return Result(
        world=world.name,
        setting=str(setting),
        cases=count,
        seed=seed,
        customers_alone=_customers_alone(cases),
        figures=figures(scores, failed),
        cases_a_second=speed,
    )


def _choosers(
    world: Population, setting: Setting, bounds: bool, learned: Mapping[str, Stories]
) -> Iterator[tuple[str, Chooser]]:
    yield "random", AtRandom(setting)
    yield "planner", Planned(shipped_stories(), setting)
    for name, stories in learned.items():
        yield name, Planned(stories, setting)
    if bounds:
        yield "oracle", Planned(WorldStories(world), setting)
        yield "clairvoyant", Clairvoyant(setting)


def _customers_alone(cases: Cases) -> float:
    return float(cases.amount[cases.updated].sum()) / max(float(cases.amount.sum()), 1.0)


def lines_of(result: Result) -> list[str]:
    """A table for people."""
    lines = [
        f"{result.world}, {result.setting}: {result.cases} failures, seed {result.seed}",
        f"  customers alone bring {result.customers_alone:.1%} of the money",
        f"  {'policy':<18}{'retries add':>12}{'of the oracle':>15}{'95 %':>16}{'attempts':>10}{'for one':>9}",
    ]
    for figure in sorted(result.figures, key=lambda figure: -figure.added):
        ratio = f"{figure.ratio:.3f}" if figure.ratio is not None else "–"
        between = f"{figure.low:.3f}…{figure.high:.3f}" if figure.low is not None else "–"
        one = f"{figure.per_recovery:.1f}" if figure.per_recovery is not None else "–"
        lines.append(
            f"  {figure.policy:<18}{figure.added:>12.1%}{ratio:>15}{between:>16}{figure.attempts:>10.2f}{one:>9}"
        )
    return lines
