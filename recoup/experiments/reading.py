"""Experiments as the policy names them and the ledger has them."""

from __future__ import annotations

from datetime import datetime

from recoup.errors import ConfigurationError
from recoup.experiments.judging import Drawn, Judged, judge
from recoup.ledger import Ledger
from recoup.rules.money import Money
from recoup.rules.policy import Experiment, Policy


def found(policy: Policy, name: str) -> Experiment:
    """The experiment of this name.

    Raises:
        ConfigurationError: the policy has none such.
    """
    for each in policy.experiments:
        if each.name == name:
            return each
    known = ", ".join(each.name for each in policy.experiments) or "none"
    raise ConfigurationError(f"The policy has no experiment {name}; it has: {known}")


def results(ledger: Ledger, experiment: Experiment, now: datetime) -> Judged:
    """What may be said of it now."""
    drawn = [
        Drawn(row.arm, row.failed_at, Money(amount=row.amount, currency=row.currency), row.recovered_at)
        for row in ledger.assignments.of_experiment(experiment.name)
    ]
    return judge(experiment, drawn, now)
