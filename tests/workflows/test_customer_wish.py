"""A customer's wish: the cases hear of a cancellation before Stripe does, and Stripe is asked for as long as it takes."""

from __future__ import annotations

import pytest
from temporalio.testing import WorkflowEnvironment

from activities.wish_contracts import WishKind
from tests.workflows.wishing import CANCELLATION, Company, play

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_the_cases_are_stopped_before_stripe_is_asked_and_once_more_after(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """A crash between the two leaves the stop in force; a case that began in between is stopped too."""
    company = Company()
    result = await (await play(time_skipping_env, company, CANCELLATION)).result()
    assert result.done
    assert company.done == ["stop", "cancel", "stop"]


async def test_a_cancellation_that_stripe_does_not_take_is_tried_until_it_does(
    time_skipping_env: WorkflowEnvironment,
) -> None:
    """Stripe is away three times; the stop stood from the beginning."""
    company = Company(away=3)
    result = await (await play(time_skipping_env, company, CANCELLATION)).result()
    assert result.done
    assert company.done == ["stop", *["Stripe is away"] * 3, "cancel", "stop"]


@pytest.mark.parametrize("kind", [WishKind.PAUSE, WishKind.SMALLER_PLAN])
async def test_a_pause_and_a_smaller_plan_leave_the_cases_as_they_are(
    time_skipping_env: WorkflowEnvironment, kind: WishKind
) -> None:
    """What is open stays owed: no case is stopped, and a refusal is told."""
    company = Company(refused="the subscription has ended")
    wish = CANCELLATION.model_copy(update={"kind": kind})
    result = await (await play(time_skipping_env, company, wish)).result()
    assert (result.done, result.because) == (False, "the subscription has ended")
    assert company.done == [kind.value]
