"""Planning over real parts: from what Stripe says of an invoice to the moment of its next attempt."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from recoup.learning.models import Models
from recoup.learning.past import lines_of
from recoup.ledger import DecisionRow
from recoup.policy.file import LoadedPolicy
from recoup.rules.case import Case, PlannedAttempt
from recoup.rules.policy import Campaign, ModelUse, Policy, Retries, RetryMode, Timing
from recoup.timing.situation import zone_of
from recoup.timing.ties import NEAR
from tests.activities.conftest import Desk
from tests.learning.pasts import NIGHT, taught, version_of


def under(desk: Desk, retries: Retries) -> Desk:
    """The desk under a policy with these retries."""
    policy = Policy(version=1, campaigns=(Campaign(retries=retries),))
    desk.payments.policy = LoadedPolicy(policy=policy, version="test")
    return desk


def looked(desk: Desk, retries: Retries) -> PlannedAttempt | None:
    case = under(desk, retries).take_up("empty")
    planned: PlannedAttempt | None = desk.run(desk.payments.look, desk.plain(case)).planned
    return planned


def test_a_look_plans_the_next_attempt(desk: Desk) -> None:
    """The moment lies in the window, after the bank's wish, and comes with its chance and its reason."""
    planned = looked(desk, Retries(timing=Timing.PLANNED))
    assert planned is not None
    assert planned.at is not None
    assert timedelta(hours=18) < planned.at - desk.clock.now() < timedelta(days=14)
    assert 0 < planned.expected < 1
    assert planned.because.endswith("expected")


def test_another_refusal_makes_another_plan(desk: Desk) -> None:
    """After an attempt was refused the next look sees both refusals, and plans for later than the gap after it."""
    case = under(desk, Retries(timing=Timing.PLANNED)).take_up("empty")
    first = desk.run(desk.payments.look, desk.plain(case)).planned
    desk.sandbox.pass_time(hours=72)
    desk.attempt(case)
    second = desk.run(desk.payments.look, desk.plain(case, "again")).planned
    assert second.at - desk.clock.now() > timedelta(hours=18)
    assert (second.at, second.expected) != (first.at, first.expected)


def test_no_attempt_is_planned_beyond_the_budget(desk: Desk) -> None:
    """A campaign with one attempt has none left to plan after it was made."""
    case = under(desk, Retries(timing=Timing.PLANNED, after_days=(1,))).take_up("empty")
    desk.sandbox.pass_time(hours=30)
    desk.attempt(case)
    planned = desk.run(desk.payments.look, desk.plain(case)).planned
    assert (planned.at, planned.because) == (None, "no attempt is left")


def test_nothing_is_planned_where_the_policy_does_not_ask(desk: Desk) -> None:
    """Fixed days, and a policy that leaves the retries to Stripe, get no plan."""
    assert looked(desk, Retries()) is None
    desk.fail_renewals()
    assert looked(desk, Retries(timing=Timing.PLANNED, mode=RetryMode.OBSERVE)) is None


def models_for(desk: Desk) -> Models:
    """A promoted model that has learned to try at night, for the desk's cases."""
    desk.payments.models = taught(desk.ledger, desk.directory, desk.clock.now())
    return desk.payments.models


def plans(desk: Desk, case: Case) -> list[DecisionRow]:
    return desk.ledger.past.plans_of(case.id)


def local_hour(at: datetime | None) -> int:
    assert at is not None
    return at.astimezone(zone_of(None, "US")).hour


PROMOTED = Retries(timing=Timing.PLANNED, model=ModelUse.PROMOTED)


def test_a_promoted_model_moves_the_moment_and_is_named(desk: Desk) -> None:
    """Where the policy says so the model's moment is the plan; the decision has its version, both choices and the candidates."""
    version = version_of(models_for(desk))
    case = under(desk, PROMOTED).take_up("empty")
    planned = desk.run(desk.payments.look, desk.plain(case)).planned
    assert planned.model == version
    assert planned.because.startswith(f"by the model {version}, learned from your own attempts: ")
    assert local_hour(planned.at) in NIGHT
    (kept,) = plans(desk, case)
    assert (kept.model, kept.because, kept.known["pinned"]) == (version, planned.because, version)
    assert kept.known["would"]["model"] == planned.at.isoformat()
    assert kept.known["would"]["prior"] != kept.known["would"]["model"]
    assert [one["at"] for one in kept.candidates if one["propensity"]] == [planned.at.isoformat()]


def test_shadow_decides_nothing(desk: Desk) -> None:
    """The moment is the prior's, to the minute and in its words; what the model would have chosen stands in the decision."""
    models_for(desk)
    case = under(desk, Retries(timing=Timing.PLANNED)).take_up("empty")
    prior = desk.run(desk.payments.look, desk.plain(case)).planned
    row = desk.ledger.cases.get(case.id)
    assert row is not None
    shadow = Campaign(retries=Retries(timing=Timing.PLANNED, model=ModelUse.SHADOW))
    desk.ledger.people.move(
        case.id, campaign="shadow", policy=shadow.model_dump(mode="json"), policy_version="v2", priority=None,
        at=desk.clock.now(), unique="w1", actor="anna", because="try it",
    )  # fmt: skip
    beside = desk.run(desk.payments.look, desk.plain(case, "again")).planned
    assert (beside.at, beside.because, beside.model) == (prior.at, prior.because, None)
    first, second = plans(desk, case)
    assert "model" not in first.known["would"]
    assert second.known["would"]["prior"] == prior.at.isoformat()
    assert local_hour(datetime.fromisoformat(second.known["would"]["model"])) in NIGHT
    assert second.model is None
    shadow = second.known["shadow"]
    assert (shadow["model"], shadow["at"]) == (second.known["pinned"], second.known["would"]["model"])
    assert sum(one["propensity"] for one in shadow["candidates"]) == pytest.approx(1.0)


def test_a_case_keeps_its_model_across_a_promotion(desk: Desk) -> None:
    """Planned first before any model was promoted, a case stays with the prior; planned first with one, with that one."""
    early = under(desk, PROMOTED).take_up("empty")
    desk.payments.models = Models(desk.directory / "models", desk.ledger)
    assert desk.run(desk.payments.look, desk.plain(early)).planned.model is None
    old = version_of(models_for(desk))
    late = desk.take_up("short")
    assert desk.run(desk.payments.look, desk.plain(late, "l1")).planned.model == old
    newer = {"version": "another", "standing": {"version": "another", "at": desk.clock.now().isoformat()}}
    desk.ledger.events.append("model_promoted", desk.clock.now(), data=newer, unique="model_promoted/another")
    assert desk.run(desk.payments.look, desk.plain(late, "l2")).planned.model == old
    assert desk.run(desk.payments.look, desk.plain(early, "e2")).planned.model is None
    assert [plan.known["pinned"] for plan in plans(desk, early)] == ["none", "none"]


def test_a_worker_that_lost_the_models_file_takes_it_from_the_ledger(desk: Desk) -> None:
    """On another machine, or after its disk was lost, the case plans by its model all the same, and the file is there again."""
    models = models_for(desk)
    version = version_of(models)
    elsewhere = Models(desk.directory / "another-machine", desk.ledger)
    desk.payments.models = elsewhere
    case = under(desk, PROMOTED).take_up("empty")
    assert desk.run(desk.payments.look, desk.plain(case)).planned.model == version
    assert elsewhere.path(version).read_bytes() == models.path(version).read_bytes()


def test_a_model_that_is_nowhere_leaves_the_plan_to_the_prior_and_says_so(desk: Desk) -> None:
    """Neither in the directory nor in the ledger: the case plans as by the prior, and its reason names the missing model."""
    told = {"version": "20260101-abc", "standing": {"version": "20260101-abc", "at": "2026-01-01T00:00:00Z"}}
    desk.ledger.events.append(
        "model_promoted", desk.clock.now(), data=told, unique="model_promoted/20260101-abc"
    )
    desk.payments.models = Models(desk.directory / "models", desk.ledger)
    case = under(desk, PROMOTED).take_up("empty")
    planned = desk.run(desk.payments.look, desk.plain(case)).planned
    assert planned.model is None
    assert planned.because.endswith(
        "; the file of the model 20260101-abc is missing or damaged, so the prior decided"
    )
    (kept,) = plans(desk, case)
    assert planned.at.isoformat() == kept.known["would"]["prior"]
    assert kept.known["pinned"] == "20260101-abc"


def test_a_withdrawn_model_decides_nothing_any_more(desk: Desk) -> None:
    """Taken back by an operator, a model plans no further attempt of the cases that keep it, and no new case gets it."""
    models = models_for(desk)
    version = version_of(models)
    case = under(desk, PROMOTED).take_up("empty")
    assert desk.run(desk.payments.look, desk.plain(case)).planned.model == version
    assert models.withdraw("anna", "the bank has changed its ways", desk.clock.now()) == version
    planned = desk.run(desk.payments.look, desk.plain(case, "again")).planned
    assert planned.model is None
    assert planned.because.endswith(f"; the model {version} was withdrawn, so the prior decided")
    other = desk.take_up("short")
    assert desk.run(desk.payments.look, desk.plain(other, "o1")).planned.model is None
    assert plans(desk, other)[0].known["pinned"] == "none"


def test_a_model_that_has_grown_old_leaves_the_plan_to_the_prior_and_says_so(desk: Desk) -> None:
    """Promoted ten months ago and never trained anew, a model decides nothing any more."""
    case = under(desk, PROMOTED).take_up("empty")
    desk.payments.models = taught(desk.ledger, desk.directory, desk.clock.now() - timedelta(days=300))
    planned = desk.run(desk.payments.look, desk.plain(case)).planned
    assert planned.model is None
    assert planned.because.endswith("has grown old, so the prior decided")


def test_a_plan_asked_for_twice_is_the_same_plan(desk: Desk) -> None:
    """Temporal may run a look again, hours later: the decision that was recorded stands, moment, reason and all."""
    case = under(desk, Retries(timing=Timing.PLANNED, explore=0.3)).take_up("empty")
    first = desk.run(desk.payments.look, desk.plain(case)).planned
    desk.sandbox.pass_time(hours=30)
    again = desk.run(desk.payments.look, desk.plain(case), 2).planned
    assert again == first
    assert len(plans(desk, case)) == 1


def test_exploration_is_logged_with_what_it_was_drawn_from(desk: Desk) -> None:
    """Each plan has its candidates with their chances, which make 1; the chosen one's is the decision's propensity; none loses much."""
    case = under(desk, Retries(timing=Timing.PLANNED, explore=0.3)).take_up("empty")
    for number in range(6):
        # At some hours one moment is clearly the best.
        desk.run(desk.payments.look, desk.plain(case, f"look-{number}"))
        desk.sandbox.pass_time(hours=7)
    kept = plans(desk, case)
    assert any(len(plan.candidates) > 1 for plan in kept)
    for plan in kept:
        shares = {one["at"]: one["propensity"] for one in plan.candidates}
        assert sum(shares.values()) == pytest.approx(1.0, abs=1e-4)
        assert plan.propensity == shares[plan.choice["at"]]
        assert max(one["loss"] for one in plan.candidates) <= NEAR
        best = plan.candidates[0]
        assert best["propensity"] >= 0.7
        assert plan.known["would"]["prior"] == best["at"]


def test_what_a_case_begins_with_is_kept_to_learn_from(desk: Desk) -> None:
    """The card's country and funding and the first refusal stand in the ledger as codes, once; another card when it is tried."""
    case = under(desk, Retries()).take_up("empty")
    kept = [event for event in desk.ledger.events.of_case(case.id) if event.kind == "failure_read"]
    (event,) = kept
    assert event.data["card"]["country"] == "US"
    assert event.data["card"]["funding"]
    assert [one["decline"]["code"] for one in event.data["refused"]] == ["insufficient_funds"]
    desk.attempt(case)
    (read,) = [each for each in desk.ledger.events.of_case(case.id) if each.kind == "card_read"]
    assert read.data["method"] == event.data["card"]["method"]
    (past,) = desk.ledger.past.newest_first()
    assert [(line.number, line.country, line.outcome) for line in lines_of(past)] == [
        (1, "US", "declined"),
        (2, "US", "declined"),
    ]
