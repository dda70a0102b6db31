"""A case that an experiment looks at, taken up through Stripe."""

from __future__ import annotations

from pathlib import Path

from recoup.policy.file import load_policy
from recoup.rules.experiments import Arm, assign
from tests.activities.conftest import Desk
from tests.experiments.test_drawing import HOLDOUT


def test_what_chance_said_stands_with_the_case(desk: Desk, tmp_path: Path) -> None:
    """Taken up through Stripe: the campaign is the arm's, the event names experiment, arm and propensity, and the ledger has the customer once."""
    (tmp_path / "policy.yaml").write_text(HOLDOUT)
    desk.payments.policy = load_policy(tmp_path / "policy.yaml")
    case = desk.take_up("empty")
    arm = assign("holdout", 0.5, case.customer).arm
    assert case.campaign.name == ("stripe-alone" if arm is Arm.TREATMENT else "everybody")
    (event,) = [each for each in desk.ledger.events.of_case(case.id) if each.kind == "campaign_chosen"]
    assert (event.data["experiment"], event.data["arm"], event.data["propensity"]) == ("holdout", arm, 0.5)
    (row,) = desk.ledger.assignments.of_experiment("holdout")
    assert (row.customer, row.arm, row.case_id, row.amount) == (case.customer, arm, case.id, 2900)
