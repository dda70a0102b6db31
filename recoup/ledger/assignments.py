"""Whom experiments have drawn, and what became of each customer's first case in them."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from recoup.ledger._store import Store, every
from recoup.ledger.assignments_schema import assignments
from recoup.ledger.schema import cases
from recoup.rules.base import Frozen
from recoup.rules.case import Outcome, Stage
from recoup.rules.experiments import Arm, Assigned

_RECOVERED = [outcome.value for outcome in Outcome if outcome.stage is Stage.RECOVERED]


class AssignmentRow(Frozen):
    """What chance said about a customer."""

    experiment: str
    customer: str
    arm: Arm
    propensity: float
    case_id: str
    """The customer's first case in it."""
    assigned_at: datetime


class DrawnRow(AssignmentRow):
    """A customer of an experiment, with the first of their cases in it."""

    failed_at: datetime
    amount: int
    currency: str
    recovered_at: datetime | None
    """When its invoice was paid, by the case itself or by a return; nothing where it was not."""


class Assignments:
    """The table ``assignments``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def note(self, assigned: Assigned, customer: str, case_id: str, at: datetime) -> bool:
        """Write down what chance said; only the customer's first case in the experiment counts, so only the first is written."""
        values = {
            "experiment": assigned.experiment,
            "customer": customer,
            "arm": assigned.arm.value,
            "propensity": assigned.propensity,
            "case_id": case_id,
            "assigned_at": at,
        }
        return self._store.write(lambda tx: tx.insert_new(assignments, values, "experiment", "customer"))

    def of_experiment(self, experiment: str) -> list[DrawnRow]:
        """Its customers in the order in which they were drawn."""
        mine = assignments.c.experiment == experiment
        same = cases.alias("same")
        paid = (
            sa.select(sa.func.min(same.c.closed_at, type_=cases.c.closed_at.type))
            .where(same.c.invoice == cases.c.invoice, same.c.outcome.in_(_RECOVERED))
            .scalar_subquery()
        )
        columns = (
            *assignments.c, cases.c.failed_at, cases.c.amount, cases.c.currency,
            paid.label("recovered_at"),
        )  # fmt: skip
        query = (
            sa.select(*columns)
            .join(cases, cases.c.id == assignments.c.case_id)
            .where(mine)
            .order_by(assignments.c.assigned_at, assignments.c.customer)
        )
        return [DrawnRow.model_validate(row) for row in self._store.read(lambda conn: every(conn, query))]
