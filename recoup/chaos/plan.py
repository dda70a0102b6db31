"""What is done to each run: drawn from its seed alone, so that the seed repeats it."""

from __future__ import annotations

import random
from dataclasses import dataclass, replace

from recoup.chaos.faults import ADDED, AT_ACCESS, IN_TURN, OFTEN, TURNS, Fault, Method, Story, stories_for
from recoup.rules.policy import RetryMode

WEIGHTS = {
    Story.SOON: 6,
    Story.NEVER: 4,
    Story.NEW_CARD: 3,
    Story.COMES_BACK: 2,
    Story.PAYS: 2,
    Story.CANCELS: 1,
    Story.CROWD: 1,
}
MOST_MORE = 3
"""Beside its first fault a run has up to so many others."""
DEBITS = (Story.SOON, Story.NEVER, Story.PAYS, Story.CANCELS)
PART_OF_DEBITS, PART_THAT_ASKS = 0.15, 0.3
BRANDS = ("visa", "visa", "mastercard", "amex")
AMOUNTS = (900, 2900, 4900, 19900)
CURRENCIES = ("usd", "eur", "pln", "gbp")


BATCH = 50
"""Seeds of one mode; those among them that have the lock of invoices in common share a world."""
MODES = (*(RetryMode.OWN,) * 7, *(RetryMode.WEAVE,) * 2, RetryMode.OBSERVE)
"""How batches live with Stripe's own retries, two of each in a row."""


@dataclass(frozen=True)
class Setting:
    """What all runs of a world have in common."""

    mode: RetryMode = RetryMode.OWN
    invoice_lock: bool = True

    @property
    def name(self) -> str:
        """Its name in the report."""
        return f"{self.mode}_lock_{'on' if self.invoice_lock else 'off'}"


def setting_of(seed: int) -> Setting:
    """The setting that a seed is played with: of four in a row two have Stripe's lock of invoices, two have not."""
    return Setting(MODES[seed // BATCH // 2 % len(MODES)], invoice_lock=seed // 2 % 2 == 0)


@dataclass(frozen=True)
class Planned:
    """One fault that strikes at its ``nth`` opportunity, and then ``times`` times in a row."""

    fault: Fault
    nth: int
    times: int = 1


@dataclass(frozen=True)
class RunPlan:
    """One customer's failed renewal and everything that goes wrong in its recovery."""

    seed: int
    story: Story
    brand: str
    amount: int
    currency: str
    refusals: int
    """How often the bank refuses before it approves; for those that do."""
    acts_after_days: float
    """When the customer does something, where the story says so."""
    subscriptions: int
    faults: tuple[Planned, ...]
    method: Method = Method.CARD

    @property
    def key(self) -> str:
        """The run's name in its world."""
        return f"run_{self.seed}"

    def __str__(self) -> str:
        struck = ", ".join(f"{each.fault}@{each.nth}x{each.times}" for each in self.faults)
        return (
            f"seed {self.seed}: {self.story}, {self.brand} ({self.method}), {self.amount} {self.currency}, "
            f"{self.refusals} refusals, acts after {self.acts_after_days:.1f} days, "
            f"{self.subscriptions} subscriptions; {struck}"
        )


def plan_of(seed: int) -> RunPlan:
    """The plan of one run: the kinds take turns, so that every kind comes first at least once in so many seeds."""
    dice = random.Random(seed)  # noqa: S311 - a plan that is to be repeated, no secret
    first = TURNS[seed % len(TURNS)]
    stories = stories_for(first)
    story = dice.choices(stories, [WEIGHTS[each] for each in stories])[0]
    others = [each for each in IN_TURN if each is not first and story in stories_for(each)]
    chosen = [first, *dice.sample(others, dice.randint(0, MOST_MORE))]
    # Once is the renewal itself; then the first attempt of ours is the one that is paid, which is where most can go wrong.
    refusals = 1 if Fault.PAID_AT_ONCE in chosen else dice.choice((1, 1, 1, 2, 3, 4))
    subscriptions = 4 if story is Story.CROWD else dice.choice((1, 1, 1, 1, 2))
    plan = RunPlan(
        seed=seed,
        story=story,
        brand=dice.choice(BRANDS),
        amount=dice.choice(AMOUNTS),
        currency=dice.choice(CURRENCIES),
        refusals=refusals,
        acts_after_days=dice.uniform(0.5, 13.0) if story is not Story.COMES_BACK else dice.uniform(22, 30),
        subscriptions=subscriptions,
        faults=tuple(_planned(dice, each, story) for each in chosen),
    )
    return _with_more(plan)


def _with_more(plan: RunPlan) -> RunPlan:
    """One run in three has a fault when something is changed at Stripe as well, and some customers pay with no plain card."""
    dice = random.Random(f"{plan.seed}/more")  # noqa: S311 - a plan that is to be repeated, no secret
    method, faults = Method.CARD, plan.faults
    if plan.seed % 3 == 0:
        faults = (*faults, _planned(dice, ADDED[plan.seed // 3 % len(ADDED)], plan.story))
    races = any(each.fault is Fault.PAID_AT_ONCE for each in faults)
    if plan.story in DEBITS and not races and dice.random() < PART_OF_DEBITS:
        return replace(plan, faults=faults, method=Method.DEBIT, currency="eur")
    if plan.story is Story.NEW_CARD and dice.random() < PART_THAT_ASKS:
        method = Method.ASKS
    return replace(plan, faults=faults, method=method)


def _planned(dice: random.Random, fault: Fault, story: Story) -> Planned:
    most = OFTEN.get(fault)
    nth = dice.randint(1, most) if most else dice.choice((1, 1, 1, 2))
    if fault is Fault.PAID_AT_ONCE or (fault in AT_ACCESS and story is not Story.COMES_BACK):
        nth = 1
    return Planned(fault, nth, dice.choice((1, 1, 1, 3)))
